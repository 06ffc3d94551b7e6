//! Kinds of reasons of a refusal, for those who decide by one and do not care for the reason itself.

use super::Refusal;

/// Whose fault a refusal is, and whether it helps to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// There is no such thing.
    Missing,
    /// The request cannot be meant.
    Invalid,
    /// It can be asked for, but not here.
    Unfit,
    /// Not now: something is full or in use. To ask again later helps.
    Busy,
    /// Something failed, or is not there, on the side that was asked. To ask again may help.
    Failed,
    /// The agent said so; why, only it knows.
    Agent,
}

impl Refusal {
    /// Kind of the reason that it has.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::UnknownSession { .. } => RefusalKind::Missing,
            Self::UnknownLane { .. }
            | Self::LaneName { .. }
            | Self::LaneExists { .. }
            | Self::TooManyLanes { .. }
            | Self::LaneNotDialled { .. }
            | Self::MainStays
            | Self::ProfileName { .. }
            | Self::AgentName { .. }
            | Self::UnknownProfile { .. }
            | Self::UnknownChild { .. }
            | Self::ChildStays { .. }
            | Self::UnknownTurn { .. }
            | Self::TurnLaneLeft { .. }
            | Self::TurnStarted { .. }
            | Self::TurnJoined { .. }
            | Self::TurnEnded { .. }
            | Self::TurnElsewhere { .. }
            | Self::ChoicesFull => RefusalKind::Invalid,
            Self::NeedsNoSession => RefusalKind::Unfit,
            Self::HostBusy { .. }
            | Self::HeldElsewhere { .. }
            | Self::InUse
            | Self::SessionBusy
            | Self::AgentRequestsFull
            | Self::AgentCallsFull { .. }
            | Self::Busy { .. }
            | Self::QueueFull { .. }
            | Self::QueueBytes { .. }
            | Self::StartCrowded { .. }
            | Self::AgentCrowded { .. } => RefusalKind::Busy,
            Self::NoHost
            | Self::HostGone
            | Self::DeadlinePassed
            | Self::UnknownCommandVersion { .. }
            | Self::UnreadableCommand { .. }
            | Self::UnreadableAnswer { .. }
            | Self::AnswerForgotten
            | Self::QueueFailed { .. }
            | Self::HostStops
            | Self::Vault { .. }
            | Self::Unknown
            | Self::NeedsSession
            | Self::SessionClosed
            | Self::SessionClosing
            | Self::ShutDown
            | Self::LogUnwritable { .. }
            | Self::LogUnreadable { .. }
            | Self::LogDamaged { .. }
            | Self::LogClosed
            | Self::TakenOver { .. }
            | Self::LogMismatch { .. }
            | Self::LaneRemoved
            | Self::SteeringUnsupported
            | Self::NoAnswer { .. }
            | Self::Untrusted { .. }
            | Self::StartUnknown
            | Self::ProfileUnusable { .. }
            | Self::AgentsFull { .. }
            | Self::NotStarted { .. }
            | Self::LauncherFailed { .. }
            | Self::LauncherLate { .. }
            | Self::NotDialledIn { .. }
            | Self::AgentVersion { .. }
            | Self::AgentSilent { .. }
            | Self::AgentSlow { .. }
            | Self::AgentExited { .. }
            | Self::NoSessionId
            | Self::ContextLost { .. }
            | Self::StartBroke { .. }
            | Self::Encoding { .. } => RefusalKind::Failed,
            Self::Agent { .. } => RefusalKind::Agent,
        }
    }
}

//! Limits on what one agent may ask for.

/// Limits on what one agent may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of text that one read may give; more is answered with an error. Default 16 MiB.
    pub read: usize,
    /// Bytes of text that one write may have; more is answered with an error. Default 16 MiB.
    pub write: usize,
    /// Commands that an agent may have, ended ones that it has not released included. Default 32.
    pub terminals: usize,
    /// Bytes of output kept of a command whose `outputByteLimit` is not given. Default 1 MiB.
    pub output: usize,
    /// Bytes of output kept of a command whatever its `outputByteLimit` is. Default 4 MiB.
    pub max_output: usize,
    /// Requests open at once; more are answered with an error. Default 64.
    pub open: usize,
    /// Bytes of their params together; the first is taken whatever its size. Default 32 MiB.
    pub open_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            read: 16 << 20,
            write: 16 << 20,
            terminals: 32,
            output: 1 << 20,
            max_output: 4 << 20,
            open: 64,
            open_bytes: 32 << 20,
        }
    }
}

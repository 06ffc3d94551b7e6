//! JUnit XML.

use acp_types::printable;
use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::counted::Report;
use crate::core::catalogue;
use crate::core::suite::CheckResult;
use crate::core::verdict::Verdict;

/// One case per check. What was not exercised or is not applicable is skipped, with the reason.
///
/// # Errors
/// When the writer of XML fails, which it does not in memory.
pub fn junit(report: &Report<'_>) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(&report.subject);
    for result in &report.run.results {
        let mut case = TestCase::new(result.id, status(report, result));
        case.set_classname("acp-conformance");
        if matches!(report.counts_as(result), Verdict::Warn | Verdict::Info) {
            // A recommendation fails nothing, and is worth reading.
            case.set_system_out(format!("{}: {}", result.verdict.as_str(), shown(report, result)));
        }
        suite.add_test_case(case);
    }
    let mut xml = Xml::new("acp-conformance");
    xml.add_test_suite(suite);
    // XML has no escapes for what its parsers may not see; controls are gone, and what hides or reorders text is shown.
    xml.to_string().map(|xml| printable::text(&xml).into_owned())
}

/// Text for a person about a check that found something.
fn shown(report: &Report<'_>, result: &CheckResult) -> String {
    let page = catalogue::find(result.id).and_then(catalogue::Requirement::page);
    let mut lines = vec![result.requirement.to_owned()];
    if let Some(finding) = &result.finding {
        lines.extend([format!("expected  {}", finding.expected), format!("actual    {}", finding.actual)]);
    }
    lines.extend(result.why.iter().map(|why| format!("because   {why}")));
    lines.push(format!("spec      {}", page.as_deref().unwrap_or(result.source)));
    lines.extend(result.evidence.iter().cloned());
    lines.push(format!("again     {}", report.again.replace("{}", result.id)));
    lines.join("\n")
}

fn status(report: &Report<'_>, result: &CheckResult) -> TestCaseStatus {
    let verdict = report.counts_as(result);
    let said = match (&result.finding, &result.why) {
        (Some(finding), _) => format!("expected {}, got {}", finding.expected, finding.actual),
        (_, Some(why)) => why.clone(),
        _ => String::new(),
    };
    match verdict {
        Verdict::Fail | Verdict::Error if !report.is_known(result) => {
            let kind = if verdict == Verdict::Fail { NonSuccessKind::Failure } else { NonSuccessKind::Error };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(format!("{}: {said}", result.requirement));
            status.set_type(result.level.as_str());
            status.set_description(shown(report, result));
            status
        }
        Verdict::NotExercised | Verdict::NotApplicable | Verdict::Fail => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {said}", verdict.as_str()));
            status
        }
        _ => TestCaseStatus::success(),
    }
}

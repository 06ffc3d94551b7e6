//! Images and resources of prompts that a model could not take.

use acp_types::v1::ContentBlock;

use crate::content::{self, Screened};
use crate::failure::{Failure, FailureKind};

/// Limit of an image or resource, in bytes.
const MOST: usize = 20 * 1024 * 1024;

/// Separates the blocks of a prompt that can go from those that cannot be right.
///
/// # Errors
/// When nothing of the prompt is left.
pub(super) fn screened(prompt: &[ContentBlock]) -> Result<Screened, Failure> {
    let screened = content::screen(prompt, MOST);
    if screened.kept.is_empty() && !screened.left_out.is_empty() {
        let message = format!("nothing of the prompt can be sent: {}", screened.left_out.join("; "));
        return Err(Failure::new(FailureKind::InvalidParams, message));
    }
    Ok(screened)
}

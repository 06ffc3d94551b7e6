//! A request and what came of it.

use serde_json::Value;

use super::message::{Body, Message};

/// A request and its answer.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Call<'a> {
    /// The request.
    pub request: &'a Message,
    /// The first message that answers it.
    pub answer: Option<&'a Message>,
}

impl<'a> Call<'a> {
    /// The result, if it was answered with one.
    #[must_use]
    pub fn result(&self) -> Option<&'a Value> {
        match &self.answer?.body {
            Body::Response { outcome: Ok(result), .. } => Some(result),
            _ => None,
        }
    }

    /// The error object, if it was answered with one.
    #[must_use]
    pub fn error(&self) -> Option<&'a Value> {
        match &self.answer?.body {
            Body::Response { outcome: Err(error), .. } => Some(error),
            _ => None,
        }
    }

    /// The error's code.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        self.error()?.get("code")?.as_i64()
    }

    /// Where its answer stands, or the end of everything.
    #[must_use]
    pub fn until(&self) -> usize {
        self.answer.map_or(usize::MAX, |answer| answer.index)
    }

    /// The two places that show it.
    #[must_use]
    pub fn places(&self) -> Vec<usize> {
        std::iter::once(self.request.index).chain(self.answer.map(|answer| answer.index)).collect()
    }

    /// The answer in a few words.
    #[must_use]
    pub fn said(&self) -> String {
        match (self.result(), self.error()) {
            (Some(result), _) => format!("the result {}", brief(result)),
            (_, Some(error)) => format!("the error {}", brief(error)),
            _ => "no answer".to_owned(),
        }
    }
}

/// A value on one line, cut to what a report can show.
#[must_use]
pub fn brief(value: &Value) -> String {
    cut(value.to_string(), 200)
}

/// A text of at most so many bytes, and an ellipsis where there was more.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

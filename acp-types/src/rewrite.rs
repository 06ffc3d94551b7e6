//! Edits of raw JSON that touch no other byte: number formats, key order, spacing and unknown members survive (P11).
//!
//! Each edit changes **every** member of the given name, so that a reader that takes the first of duplicates and one
//! that takes the last both see the new value. All are pure functions of their arguments.

mod params;

pub use params::{ParamsEdit, params, params_into};

use crate::{Id, Raw, RawBuf, RawKind, escape};

/// Sets a member: replaced where it stands, or added at the end. Anything but an object counts as `{}`.
#[must_use]
pub fn set_member(object: Raw<'_>, key: &str, value: Raw<'_>) -> RawBuf {
    let object = object_or_empty(object);
    let added = escape::string_len(key) + 2;
    let mut out = String::with_capacity(object.as_str().len() + added + value.as_str().len());
    push_with_member(&mut out, object, key, value);
    RawBuf::trusted(out)
}

/// Sets a member of a member of …; objects on the way are made where there is none (`null` and other values are
/// replaced). With no keys the result is `value`.
#[must_use]
pub fn set_path(object: Raw<'_>, keys: &[&str], value: Raw<'_>) -> RawBuf {
    let Some((last, parents)) = keys.split_last() else { return value.to_owned() };
    // From the inside out: what the keys so far lead to, then back up.
    let mut containers = vec![object_or_empty(object)];
    for key in parents {
        let inner = containers.last().and_then(|outer| outer.member(key)).unwrap_or(Raw::EMPTY_OBJECT);
        containers.push(object_or_empty(inner));
    }
    let mut changed = set_member(containers.pop().unwrap_or(Raw::EMPTY_OBJECT), last, value);
    for (container, key) in containers.into_iter().zip(parents).rev() {
        changed = set_member(container, key, changed.as_raw());
    }
    changed
}

/// Removes a member and its comma. Anything but an object comes back as it is.
#[must_use]
pub fn remove_member(object: Raw<'_>, key: &str) -> RawBuf {
    let text = object.as_str();
    let mut out = String::with_capacity(text.len());
    // Text before this position is in `out`, or was removed.
    let mut copied = 0;
    let mut kept_end = None;
    let mut opened = false;
    for member in object.raw_members() {
        if member.is(key) {
            if let Some(end) = kept_end {
                if end > copied {
                    out.push_str(&text[copied..end]);
                }
            } else if !opened {
                out.push_str(&text[..member.start]);
                opened = true;
            }
            copied = member.end;
        } else {
            if kept_end.is_none() && opened {
                copied = member.start;
            }
            kept_end = Some(member.end);
        }
    }
    out.push_str(&text[copied..]);
    RawBuf::trusted(out)
}

/// Replaces the id of a frame. `None` when it has none: a notification, or bytes that are no frame.
#[must_use]
pub fn replace_id<'a>(frame: &[u8], id: impl Into<Id<'a>>) -> Option<RawBuf> {
    let frame = Raw::trusted(std::str::from_utf8(frame).ok()?.trim_ascii());
    frame.member("id")?;
    Some(set_member(frame, "id", id.into().as_raw()))
}

fn object_or_empty(raw: Raw<'_>) -> Raw<'_> {
    if raw.kind() == RawKind::Object { raw } else { Raw::EMPTY_OBJECT }
}

/// Appends `object` with the member set; `object` must be one.
fn push_with_member(out: &mut String, object: Raw<'_>, key: &str, value: Raw<'_>) {
    let text = object.as_str();
    let mut copied = 0;
    let mut end = None;
    let mut found = false;
    for member in object.raw_members() {
        if member.is(key) {
            out.push_str(&text[copied..member.value_start]);
            out.push_str(value.as_str());
            copied = member.end;
            found = true;
        }
        end = Some(member.end);
    }
    if !found {
        push_until_end(out, text, copied, end);
        escape::push_string(out, key);
        out.push(':');
        out.push_str(value.as_str());
        copied = end.unwrap_or(1);
    }
    out.push_str(&text[copied..]);
}

/// Appends an object's text from `copied` to where a new member goes: behind the last one, which ends at `end`, or
/// behind the opening brace.
fn push_until_end(out: &mut String, text: &str, copied: usize, end: Option<usize>) {
    out.push_str(&text[copied..end.unwrap_or(1)]);
    if end.is_some() {
        out.push(',');
    }
}

#[cfg(test)]
mod tests;

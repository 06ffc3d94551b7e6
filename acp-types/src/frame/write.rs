//! Frame to text. One allocation each, and never a newline inside: newlines between the tokens of a payload, which a
//! WebSocket peer may send, become spaces, so every text is also a line of NDJSON.

use jsonrpsee_types::ErrorObjectOwned;

use crate::{Id, Raw, escape};

const ID: &str = r#"{"jsonrpc":"2.0","id":"#;
const METHOD: &str = r#"{"jsonrpc":"2.0","method":"#;

/// A request.
#[must_use]
pub fn request<'a>(id: impl Into<Id<'a>>, method: &str, params: Option<Raw<'_>>) -> String {
    let id = id.into().as_raw();
    let len = ID.len() + id.as_str().len() + r#","method":"#.len() + call_len(method, params);
    let mut out = String::with_capacity(len);
    out.push_str(ID);
    id.push_to(&mut out);
    out.push_str(r#","method":"#);
    push_call(&mut out, method, params);
    debug_assert_eq!(out.len(), len, "the length was computed to allocate once");
    out
}

/// A notification.
#[must_use]
pub fn notification(method: &str, params: Option<Raw<'_>>) -> String {
    let len = METHOD.len() + call_len(method, params);
    let mut out = String::with_capacity(len);
    out.push_str(METHOD);
    push_call(&mut out, method, params);
    debug_assert_eq!(out.len(), len, "the length was computed to allocate once");
    out
}

/// An answer of our own making.
#[must_use]
pub fn response<'a>(id: impl Into<Id<'a>>, outcome: Result<Raw<'_>, &ErrorObjectOwned>) -> String {
    let object = match outcome {
        Ok(result) => return raw_response(id, Ok(result)),
        Err(object) => object,
    };
    let id = id.into().as_raw();
    let len = ID.len() + id.as_str().len() + r#","error":"#.len() + error_len(object) + 1;
    let mut out = String::with_capacity(len);
    out.push_str(ID);
    id.push_to(&mut out);
    out.push_str(r#","error":"#);
    push_error(&mut out, object);
    out.push('}');
    out
}

/// An answer that is passed on: the error, if it is one, is an error object as some peer sent it.
#[must_use]
pub fn raw_response<'a>(id: impl Into<Id<'a>>, outcome: Result<Raw<'_>, Raw<'_>>) -> String {
    let id = id.into().as_raw();
    let (name, value) = match outcome {
        Ok(result) => (r#","result":"#, result),
        Err(object) => (r#","error":"#, object),
    };
    let len = ID.len() + id.as_str().len() + name.len() + value.as_str().len() + 1;
    let mut out = String::with_capacity(len);
    out.push_str(ID);
    id.push_to(&mut out);
    out.push_str(name);
    value.push_to(&mut out);
    out.push('}');
    debug_assert_eq!(out.len(), len, "the length was computed to allocate once");
    out
}

fn call_len(method: &str, params: Option<Raw<'_>>) -> usize {
    let params = params.map_or(0, |params| r#","params":"#.len() + params.as_str().len());
    escape::string_len(method) + params + 1
}

fn push_call(out: &mut String, method: &str, params: Option<Raw<'_>>) {
    escape::push_string(out, method);
    if let Some(params) = params {
        out.push_str(r#","params":"#);
        params.push_to(out);
    }
    out.push('}');
}

/// Length of what [`push_error`] writes, or a little more.
pub(crate) fn error_len(object: &ErrorObjectOwned) -> usize {
    let data = object.data().map_or(0, |data| r#","data":"#.len() + data.get().len());
    r#"{"code":-2147483648,"message":}"#.len() + escape::string_len(object.message()) + data
}

/// Appends an error object, as serde would write it but on one line.
pub(crate) fn push_error(out: &mut String, object: &ErrorObjectOwned) {
    use std::fmt::Write;
    // Writing to a String does not fail.
    let _ = write!(out, r#"{{"code":{},"message":"#, object.code());
    escape::push_string(out, object.message());
    if let Some(data) = object.data() {
        out.push_str(r#","data":"#);
        Raw::trusted(data.get()).push_to(out);
    }
    out.push('}');
}

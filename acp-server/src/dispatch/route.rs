//! From method names to typed handlers.

use acp_types::error::error;
use acp_types::{ErrorCode, ErrorObjectOwned, Raw, RawBuf};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::error::Answer;

/// Calls the handler of a request: decodes the params, encodes the result, refuses what cannot be decoded.
macro_rules! route {
    ($side:expr, $method:expr, $context:expr, { $($Type:ident => $handler:ident),* $(,)? }) => {
        match $method {
            $(name if name == <v1::$Type as acp_types::method::Request>::METHOD.name => {
                let params = crate::dispatch::params($context)?;
                crate::dispatch::answer($side.$handler(params, $context).await)
            })*
            name => $side.ext_method(name, $context.params(), $context).await,
        }
    };
}

/// Calls the handler of a notification; one that cannot be decoded goes to `ext_notification` as it is.
macro_rules! notify {
    ($side:expr, $method:expr, $context:expr, { $($Type:ident => $handler:ident),* $(,)? }) => {
        match $method {
            $(name if name == <v1::$Type as acp_types::method::Notification>::METHOD.name => {
                match crate::dispatch::params($context) {
                    Ok(params) => $side.$handler(params, $context).await,
                    Err(error) => {
                        tracing::warn!(method = name, %error, "the params of a notification cannot be read");
                        $side.ext_notification(name, $context.params(), $context).await;
                    }
                }
            })*
            name => $side.ext_notification(name, $context.params(), $context).await,
        }
    };
}

pub(crate) use {notify, route};

/// Params that are left out read as `{}`.
pub(crate) fn params<T: DeserializeOwned, P>(context: &Context<P>) -> Result<T, ErrorObjectOwned> {
    let raw = context.params().unwrap_or(Raw::EMPTY_OBJECT);
    raw.decode().map_err(|wrong| {
        error(ErrorCode::INVALID_PARAMS, format!("invalid params of {}: {wrong}", context.method()), None)
    })
}

pub(crate) fn answer<T: Serialize>(outcome: Answer<T>) -> Answer<RawBuf> {
    RawBuf::encode(&outcome?)
        .map_err(|wrong| error(ErrorCode::INTERNAL_ERROR, format!("the result cannot be written: {wrong}"), None))
}

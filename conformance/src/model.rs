//! A scripted model: one local HTTP server that speaks OpenAI Responses, Anthropic Messages and Gemini `generateContent`,
//! streaming, and says what a [`Script`] tells it to.
//!
//! A harness is started against it with any key; see `docs/model.md` for how, and for the script's reference. What the
//! model answers depends on nothing but the script and the requests: all ids are counters.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use conformance::model::{Script, serve};
//!
//! let script = Script::parse("[[prompt]]\nmatch = \"*\"\nreplies = [[{ say = \"Hello\" }]]")?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! println!("OpenAI Responses at http://{}/v1", listener.local_addr()?);
//! # let test_is_over = async {};
//! serve(listener, script, test_is_over).await?;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! Everything but [`serve()`] and what it calls is pure: a request is read into a `Turn`, the `Book` finds the reply, and the
//! API's module turns the reply into the steps of a response.

mod anthropic;
mod book;
mod gates;
mod gemini;
mod ids;
mod journal;
mod openai;
mod request;
mod script;
mod server;
mod steps;
mod text;
mod turn;

pub use journal::Journal;
pub use script::{Script, ScriptError};
pub use server::{serve, serve_with};

//! Sessions: made, loaded, resumed, closed.

mod close;
mod earlier;
mod load;
mod new;
mod object;
mod resume;

pub(super) use close::CLOSE;
pub(super) use load::LOAD;
pub(super) use new::NEW;
pub(super) use object::an_object;
pub(super) use resume::RESUME;

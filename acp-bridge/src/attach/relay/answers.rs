//! The bridge's answers.

use acp_server::proto::{Payload, RequestKey, ResponseError};
use acp_types::meta::META_KEY;
use acp_types::{Raw, SessionId};

use super::{Own, Relay, internal};
use crate::attach::place::{self, LogPlace};
use crate::attach::requests::{Kind, Order};
use crate::attach::sessions::{Phase, Session};
use crate::attach::{Item, RawAnswer};

impl Relay {
    pub(super) fn answered(&mut self, key: RequestKey, outcome: Result<Payload, ResponseError>) {
        let answer = match outcome {
            Ok(result) => Ok(result.raw().to_owned()),
            Err(ResponseError::Peer(error)) => Err(error),
            // Nothing is answered: the drop follows.
            Err(ResponseError::Closed) => return,
            Err(other) => Err(internal(other.to_string())),
        };
        if let Some(own) = self.own.remove(&key) {
            self.own_answered(own, answer);
        } else if let Some(order) = self.requests.answered(key) {
            self.request_answered(order, answer);
        }
    }

    fn own_answered(&mut self, own: Own, answer: RawAnswer) {
        match own {
            Own::Initialize if answer.is_ok() => {
                if let Some(id) = self.handshake.accepted() {
                    self.respond(id, answer);
                }
                self.ready();
            }
            Own::Initialize => {
                if let Some(id) = self.handshake.refused() {
                    self.respond(id, answer);
                    self.pump();
                } else {
                    self.broken = true;
                }
            }
            Own::Resume(id) => self.resumed(&id, answer),
            Own::Fence => {
                for key in self.asks.settle(self.link) {
                    self.to_editor.push(Item::Cancel(key));
                }
            }
        }
    }

    fn request_answered(&mut self, order: Order, mut answer: RawAnswer) {
        let Some(request) = self.requests.get_mut(order) else { return };
        let session = request.session.clone();
        match (&mut request.kind, session) {
            (Kind::Resume { after, adopts }, Some(id)) => {
                let may_move = *adopts || after.is_none();
                if let Some(offered) = answer.as_ref().err().and_then(place::offered)
                    && may_move
                    && after.is_none_or(|after| after < offered)
                {
                    *after = Some(offered);
                    self.transmit(order);
                    return;
                }
                let (after, adopts) = (after.unwrap_or(0), *adopts);
                match &answer {
                    Ok(result) => {
                        let params = request.params.clone();
                        if adopts {
                            answer = Ok(place::named(result.as_raw(), &id));
                        }
                        self.sessions.insert(id, Session::new(params, after, Phase::CatchingUp));
                    }
                    Err(_) if adopts => self.adopt = Some(id),
                    Err(_) => {}
                }
            }
            (Kind::New, _) => {
                if let Some(id) = answer.as_ref().ok().and_then(|result| place::session(result.as_raw())) {
                    self.sessions.insert(id, Session::new(request.params.clone(), 0, Phase::Live));
                }
            }
            (Kind::Load, Some(id)) => self.load_answered(order, &id, answer.is_ok()),
            (Kind::Prompt(_), Some(id)) => self.prompt_answered(&id, &answer),
            (Kind::Leave, Some(id)) if answer.is_ok() => {
                self.sessions.remove(&id);
                self.settle();
            }
            _ => {}
        }
        if let Some(request) = self.requests.remove(order) {
            self.respond(request.id, answer);
        }
        self.pump();
    }

    fn load_answered(&mut self, order: Order, id: &SessionId, loaded: bool) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(load) = session.load.take_if(|load| load.request == order) else { return };
        if loaded {
            session.phase = Phase::Live;
        } else if !load.again {
            self.sessions.remove(id);
        }
        self.settle();
    }

    fn prompt_answered(&mut self, id: &SessionId, answer: &RawAnswer) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let turn = match answer {
            Ok(result) => {
                let place = LogPlace::read(result.as_raw());
                if let Some(seq) = place.seq {
                    session.advance(seq);
                }
                place.turn
            }
            Err(error) => error.data().and_then(|data| data.path(&[META_KEY, "turn"])).and_then(Raw::as_u64),
        };
        if let Some(turn) = turn {
            session.ended(turn);
        }
    }
}

//! Questions to the user, and every answer to them.

use serde_json::json;

use crate::core::check::{Check, all, call};
use crate::core::history::{Call, Case};
use crate::core::probe::{Elicit, NO_CHOICE, Probe, Stop, first_choice};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// One question, answered in every way.
pub(super) const QUESTIONS: Scenario = Scenario {
    name: "questions",
    about: "lets the agent ask, and accepts, accepts what was not offered or nothing, declines, cancels and fails",
    play: |probe| Box::pin(questions(probe)),
    checks: &[
        Check::new("ELICIT-07", values_are_looked_at_again),
        Check::new("ELICIT-14", only_accepted_content_counts),
        Check::new("ELICIT-14/a", no_content_is_none),
        Check::new("ELICIT-15", every_answer_is_taken),
    ],
};

const ANSWERS: [(&str, Elicit); 8] = [
    ("accept", Elicit::Accept),
    ("wrong", Elicit::Wrong),
    ("null", Elicit::Null),
    ("bare", Elicit::Bare),
    ("decline", Elicit::Decline),
    ("decline-filled", Elicit::DeclineFilled),
    ("cancel", Elicit::Cancel),
    ("error", Elicit::Error),
];

async fn questions(probe: &mut Probe) -> Result<(), Stop> {
    probe.capabilities = json!({ "elicitation": { "form": {}, "url": {} } });
    probe.begin().await?;
    for (name, elicit) in ANSWERS {
        let session = probe.session(&format!("question/{name}/new")).await?;
        probe.manners.elicit = elicit;
        let _ = probe.prompt(&format!("question/{name}"), &session, prompts::QUESTION).await?;
        if name == "accept" && !asked_anything(probe) {
            // It asks in no other way, either.
            break;
        }
    }
    Ok(())
}

/// Returns whether the agent has asked the user on this connection.
fn asked_anything(probe: &Probe) -> bool {
    probe.was_asked("elicitation/create")
}

/// The question of the turn of this answer, with what it was answered.
fn question<'c>(case: &'c Case<'_>, name: &str) -> Result<(Call<'c>, Call<'c>), Outcome> {
    let label = format!("question/{name}");
    let Some(turn) = case.call(&label) else {
        let asked = !case.asked("elicitation/create").is_empty();
        let why = if asked { case.why_not(&label) } else { "the agent did not ask".to_owned() };
        return Err(Outcome::NotExercised(why));
    };
    let within = |asked: &Call<'_>| asked.request.index > turn.request.index && asked.request.index < turn.until();
    match case.asked("elicitation/create").into_iter().find(within) {
        Some(asked) => Ok((turn, asked)),
        None => Err(Outcome::NotExercised("the agent did not ask".to_owned())),
    }
}

/// The answer that the model was told, which it repeats.
fn told(case: &Case<'_>, turn: &Call<'_>) -> String {
    case.said(turn.request.index, turn.until())
}

/// The turns of the accepted choice and of another answer, with the choice.
type Pair<'c> = (Call<'c>, Call<'c>, &'c str);

fn beside_accepted<'c>(case: &'c Case<'_>, name: &str) -> Result<Pair<'c>, Outcome> {
    let (accepted, asked) = question(case, "accept")?;
    let (other, _) = question(case, name)?;
    let choice = asked.request.params().and_then(|params| first_choice(&params["requestedSchema"]));
    let Some(choice) = choice else {
        return Err(Outcome::NotExercised("the agent's form has no choices".to_owned()));
    };
    if !told(case, &accepted).contains(choice) {
        return Err(Outcome::NotExercised("the model does not repeat what it was told".to_owned()));
    }
    Ok((accepted, other, choice))
}

/// A choice that was not offered was taken for one if the model is told of it in the words of one that was.
fn values_are_looked_at_again(case: &Case<'_>) -> Outcome {
    let (accepted, wrong, choice) = match beside_accepted(case, "wrong") {
        Ok(pair) => pair,
        Err(why) => return why,
    };
    let as_a_choice = told(case, &accepted).replace(choice, NO_CHOICE);
    let said = told(case, &wrong);
    Outcome::pass_if(!said.contains(NO_CHOICE) || said != as_a_choice, || {
        let expected = "a choice that was not offered to be no answer";
        Outcome::broken(expected, format!("the model is told {said:?}"), wrong.places())
    })
}

/// Content that comes with `decline` was taken if the model is told the same as if it had come with `accept`.
fn only_accepted_content_counts(case: &Case<'_>) -> Outcome {
    let (accepted, declined, choice) = match beside_accepted(case, "decline-filled") {
        Ok(pair) => pair,
        Err(why) => return why,
    };
    let (plain, _) = match question(case, "decline") {
        Ok(question) => question,
        Err(why) => return why,
    };
    let said = told(case, &declined);
    let taken = said == told(case, &accepted) && said != told(case, &plain);
    Outcome::pass_if(!taken, || {
        let expected = format!("a question that is declined, and not answered with {choice:?}");
        Outcome::broken(expected, format!("the model is told {said:?}"), declined.places())
    })
}

/// `null` and nothing come to the same.
fn no_content_is_none(case: &Case<'_>) -> Outcome {
    let (null, bare) = match (question(case, "null"), question(case, "bare")) {
        (Ok((null, _)), Ok((bare, _))) => (null, bare),
        (Err(why), _) | (_, Err(why)) => return why,
    };
    let (Some(_), Some(_)) = (null.answer, bare.answer) else {
        return Outcome::NotExercised(case.why_not("the ends of both turns"));
    };
    let end = |turn: &Call<'_>| turn.result().map(|result| result["stopReason"].clone());
    Outcome::pass_if(end(&null) == end(&bare), || {
        let places = [null.places(), bare.places()].concat();
        Outcome::broken(format!("as without content: {}", bare.said()), null.said(), places)
    })
}

/// The turn goes on whatever the user says.
fn every_answer_is_taken(case: &Case<'_>) -> Outcome {
    all(["decline", "cancel", "error"].map(|name| {
        if let Err(why) = question(case, name) {
            return why;
        }
        let call = call!(case, &format!("question/{name}"));
        super::services::went_on(&call)
    }))
}

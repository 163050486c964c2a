//! What happens, as a subscription: the same events that the bus gives over its other doors, to whoever may see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::dynamic::{
    InputValue, Object, ResolverContext, SchemaBuilder, Subscription, SubscriptionField, SubscriptionFieldFuture,
    TypeRef,
};
use futures_util::{Stream, StreamExt, stream};

use super::failure::failed;
use super::row::{FieldRow, LONG, Row, Shape, object, specs};
use crate::error::{Context, Error, Result, codes};
use crate::events::{Event, Filter, Follower, News};
use crate::state::AppState;

/// Subscriptions of one connection at once.
const MOST: usize = 32;

const EVENT: &[FieldRow] = &[
    ("type", Shape::Text, true, "What happened, or gap: some of what was asked for is not kept any more"),
    ("seq", Shape::Whole, true, "Its number; grows, also over restarts"),
    ("at", Shape::Text, true, "UTC"),
    ("data", Shape::Free, true, "What is said of it, by type"),
];

/// How many subscriptions a connection has. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Open(Arc<AtomicUsize>);

/// One of them, until it is dropped.
struct Turn(Open);

impl Open {
    fn take(&self) -> Result<Turn> {
        if self.0.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.0.fetch_sub(1, Ordering::Relaxed);
            let message = format!("There are {MOST} subscriptions on this connection already; complete some.");
            return Err(Error::new(codes::TOO_MANY_SUBSCRIPTIONS, message));
        }
        Ok(Turn(self.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Adds the type of events.
pub fn register(schema: SchemaBuilder) -> SchemaBuilder {
    let event: Object = object("Event", "What happened", specs(EVENT));
    let events = SubscriptionField::new("events", TypeRef::named_nn("Event"), |context| {
        SubscriptionFieldFuture::new(async move { follow(&context).await.map_err(|error| failed(&error)) })
    })
    .description(
        "What happens, as it happens: of these types, about that collection or session, from after that number",
    )
    .argument(InputValue::new("types", TypeRef::named_nn_list(TypeRef::STRING)))
    .argument(InputValue::new("collection", TypeRef::named(TypeRef::STRING)))
    .argument(InputValue::new("session_id", TypeRef::named(TypeRef::ID)))
    .argument(InputValue::new("since", TypeRef::named(LONG)));
    schema.register(event).register(Subscription::new("Subscription").field(events))
}

async fn follow(context: &ResolverContext<'_>) -> Result<impl Stream<Item = async_graphql::Result<Row>> + use<>> {
    let asked = |name: &str| context.args.get(name).filter(|value| !value.is_null());
    let text = |name: &str| asked(name).and_then(|value| value.string().ok().map(str::to_owned));
    let types = asked("types").and_then(|value| value.deserialize().ok()).unwrap_or_default();
    let filter = Filter { types, collection: text("collection"), session_id: text("session_id") };
    let since = match asked("since").map(|value| value.u64()) {
        None => None,
        Some(Ok(since)) => Some(since),
        Some(Err(_)) => {
            let message = "since: the seq of the last event that was got is expected";
            return Err(Error::invalid("since", codes::INVALID_FIELD, message));
        }
    };
    let missing = |_| Error::internal("a subscription without a state");
    let state = context.data::<AppState>().map_err(missing)?;
    let turn = context.data::<Open>().map_err(missing)?.take()?;
    let mut follower = Follower::new(&state.events, Arc::new(state.principal().clone()));
    let gap = follower.subscribe(filter, since).await?;
    let first = gap.map(|gap| follower.gap(gap)).into_iter().map(|document| row(document.as_bytes()));
    let first: Vec<_> = first.collect();
    let following = stream::unfold(Some((follower, turn)), |following| async {
        let (mut follower, turn) = following?;
        loop {
            match follower.next().await {
                Ok(News::Events(events)) if events.is_empty() => {}
                Ok(News::Events(events)) => return Some((rows(&events), Some((follower, turn)))),
                Ok(News::TooSlow) => {
                    let message = "The client is too far behind: subscribe again with since, or ask for less.";
                    return Some((vec![Err(failed(&Error::new(codes::TOO_SLOW, message)))], None));
                }
                Err(error) => return Some((vec![Err(failed(&error))], None)),
            }
        }
    });
    Ok(stream::iter(first).chain(following.flat_map(stream::iter)))
}

fn rows(events: &[Arc<Event>]) -> Vec<async_graphql::Result<Row>> {
    events.iter().map(|event| row(&event.document())).collect()
}

fn row(document: &[u8]) -> async_graphql::Result<Row> {
    let parsed = serde_json::from_slice::<serde_json::Value>(document).internal("reading an event");
    parsed.and_then(|parsed| Row::of(&parsed)).map_err(|error| failed(&error))
}

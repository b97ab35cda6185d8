//! Who asks, and whether they may.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::error::ApiError;
use super::rates::Rates;
use super::state::App;
use crate::config::{AuthConfig, ClientKey, KeyHash};
use crate::meters::Meters;

/// The keys, with what each has left.
#[derive(Debug)]
pub(super) struct Keys {
    required: bool,
    admin: Option<KeyHash>,
    clients: Vec<Arc<Client>>,
}

/// A client that has shown its key.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) key: ClientKey,
    pub(super) rates: Rates,
}

/// Whom a request comes from; without one, nobody was asked.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) Arc<Client>);

impl Keys {
    pub(super) fn new(config: &AuthConfig, required: bool, meters: &Meters) -> Self {
        let client = |key: &ClientKey| Arc::new(Client { key: key.clone(), rates: Rates::of(key, meters) });
        Self { required, admin: config.admin_key_sha256, clients: config.keys.iter().map(client).collect() }
    }

    /// The client with this key. Every key is compared, and each in constant time: how long it takes tells nothing.
    fn find(&self, shown: &KeyHash) -> Option<&Arc<Client>> {
        let same = |client: &&Arc<Client>| bool::from(client.key.sha256.bytes().ct_eq(shown.bytes()));
        self.clients.iter().fold(None, |found, client| if same(&client) { Some(client) } else { found })
    }

    /// Lets nobody but the operator pass.
    ///
    /// # Errors
    /// 401 for another key or none, 403 where the configuration has no admin key.
    pub(super) fn must_be_admin(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        if self.admin.is_none() {
            let message = "the configuration has no auth.admin_key_sha256: `rungs new-key` makes one";
            return Err(ApiError::new(StatusCode::FORBIDDEN, "permission_error", message).with_code("no_admin_key"));
        }
        let shown = shown(headers);
        if shown.is_some_and(|shown| self.is_admin(&shown)) { Ok(()) } else { Err(denied(shown.is_some())) }
    }

    fn is_admin(&self, shown: &KeyHash) -> bool {
        self.admin.is_some_and(|admin| admin.bytes().ct_eq(shown.bytes()).into())
    }
}

impl Client {
    /// Whether it may name this route.
    ///
    /// # Errors
    /// 403 where it may not.
    pub(super) fn may_use(&self, route: Option<&str>) -> Result<(), ApiError> {
        let allowed = &self.key.routes;
        if allowed.is_empty() || route.is_some_and(|route| allowed.iter().any(|allowed| allowed == route)) {
            return Ok(());
        }
        let message = format!("this key may only name these routes in x-rungs-route: {}", allowed.join(", "));
        Err(ApiError::new(StatusCode::FORBIDDEN, "permission_error", message).with_code("route_not_allowed"))
    }
}

/// Lets clients with a key pass, or all where none is needed; what they may is the endpoint's to ask of the [`Caller`].
pub(super) async fn client(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let shown = shown(request.headers());
    let Some(client) = shown.as_ref().and_then(|shown| app.keys.find(shown)) else {
        if app.keys.required && !shown.is_some_and(|shown| app.keys.is_admin(&shown)) {
            return denied(shown.is_some()).into_response();
        }
        return next.run(request).await;
    };
    let mut response = match client.rates.take_request().await {
        Ok(()) => {
            request.extensions_mut().insert(Caller(Arc::clone(client)));
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    client.rates.tell(response.headers_mut());
    response
}

/// Lets the operator pass; where no key is needed and no admin key is set, everybody.
pub(super) async fn admin(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let shown = shown(request.headers());
    let is_open = !app.keys.required && app.keys.admin.is_none();
    if is_open || shown.is_some_and(|shown| app.keys.is_admin(&shown)) {
        return next.run(request).await;
    }
    denied(shown.is_some()).into_response()
}

fn denied(has_shown: bool) -> ApiError {
    let message = if has_shown {
        "the key that was sent may not do this here"
    } else {
        "send a key of this router as `authorization: Bearer KEY` or `x-api-key: KEY`"
    };
    ApiError::new(StatusCode::UNAUTHORIZED, "authentication_error", message).with_code("invalid_api_key")
}

fn shown(headers: &HeaderMap) -> Option<KeyHash> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let own = || headers.get("x-api-key").or_else(|| headers.get("api-key"))?.to_str().ok();
    bearer.or_else(own).map(|key| KeyHash::of(key.trim()))
}

//! `GET /openapi.json`.

use serde_json::Value;

use crate::support::router::Router;

#[tokio::test]
async fn every_path_of_the_document_is_served() {
    let router = Router::over("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1").await;
    let document: Value = router.get("/openapi.json").await.json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    // What `serve` puts around the router is tried by the clients' tests.
    for (path, operations) in paths.iter().filter(|(path, _)| !path.starts_with("/admin")) {
        for method in operations.as_object().unwrap().keys() {
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let asked = router.client.request(method, format!("{}{path}", router.url)).send().await.unwrap();
            assert!(asked.status() != 405 && !asked.status().is_server_error(), "{path}: {}", asked.status());
            let text = asked.text().await.unwrap();
            assert!(!text.contains("unknown_url"), "{path}: {text}");
        }
    }
}

use tidegate_sdk::prelude::*;

/// A person.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Contact")]
struct ContactRow {
    id: String,
    /// Where mail goes.
    email: Option<String>,
    tags: Vec<Tag>,
}

impl Model for ContactRow {
    const IGNORE: &'static [&'static str] = &["tags"];
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Tag {
    name: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Since {
    at: Timestamp,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Settings {
    owner: String,
    #[serde(default)]
    deep: bool,
}

#[test]
fn the_manifest_says_all_that_the_types_and_the_builder_say() {
    let sync = DataSync::new("contacts", "1.2.0", |_: &Run<Since, Settings>| Ok(()))
        .description("All of them.")
        .model::<ContactRow>()
        .every("30 minutes")
        .manual_start()
        .full_refresh()
        .track_deletes()
        .endpoint("GET", "/contacts")
        .scope("contacts.read")
        .host("files.acme.com")
        .memory_mib(16);
    let manifest = sync.manifest();
    let schema = &manifest["models"]["Contact"]["schema"];
    assert_eq!(
        schema["required"],
        json!(["id", "email", "tags"]),
        "written always, be it as null"
    );
    assert_eq!(
        schema["properties"]["email"]["type"],
        json!(["string", "null"])
    );
    assert_eq!(
        schema["properties"]["email"]["description"],
        "Where mail goes."
    );
    assert!(
        schema["$defs"]["Tag"].is_object(),
        "the schema stands by itself"
    );
    assert_eq!(manifest["models"]["Contact"]["ignore"], json!(["tags"]));
    assert_eq!(
        manifest["checkpoint"]["properties"]["at"]["format"],
        "date-time"
    );
    assert_eq!(
        manifest["metadata"]["required"],
        json!(["owner"]),
        "what has a default may be absent"
    );
    let plain = |key: &str| manifest[key].clone();
    assert_eq!(plain("name"), "contacts");
    assert_eq!(plain("version"), "1.2.0");
    assert_eq!(plain("description"), "All of them.");
    assert_eq!(plain("frequency"), "every 30 minutes");
    assert_eq!(plain("autoStart"), false);
    assert_eq!(plain("syncType"), "full");
    assert_eq!(plain("trackDeletes"), true);
    assert_eq!(
        plain("endpoints"),
        json!([{"method": "GET", "path": "/contacts"}])
    );
    assert_eq!(plain("scopes"), json!(["contacts.read"]));
    assert_eq!(plain("hosts"), json!(["files.acme.com"]));
    assert_eq!(plain("memory"), 16);
}

#[test]
fn what_a_sync_does_not_have_is_left_out() {
    let sync = DataSync::new("plain", "1", |_: &Run| Ok(())).cron("0 6 * * 1");
    let expected = json!({
        "name": "plain", "version": "1", "models": {}, "frequency": "cron: 0 6 * * 1",
        "autoStart": true, "syncType": "incremental", "trackDeletes": false
    });
    assert_eq!(sync.manifest(), expected);
}

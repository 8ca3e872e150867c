use serde_json::json;
use tempfile::TempDir;

use super::*;

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn load(dir: &Path, variables: &[(&str, &str)]) -> Result<Config> {
    Config::load(&LoadOptions {
        start_dir: Some(dir.to_path_buf()),
        environment: variables.iter().copied().collect(),
        ..LoadOptions::isolated()
    })
}

#[test]
fn precedence_is_runtime_environment_file_secret_default() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), ".secrets/database.user", "secret-user\n");
    write(dir.path(), ".secrets/database.password", "hunter2");
    assert_eq!(
        load(dir.path(), &[]).unwrap().text("database.user"),
        None,
        "no file, so no .secrets beside it"
    );

    write(dir.path(), "datajoint.json", "{}");
    let config = load(dir.path(), &[]).unwrap();
    assert_eq!(config.text("database.user").unwrap(), "secret-user");
    assert!(matches!(config.source("database.user"), Some(Source::Secret(_))));

    write(dir.path(), "datajoint.json", r#"{"database": {"user": "file-user"}, "display.limit": 3}"#);
    let config = load(dir.path(), &[]).unwrap();
    assert_eq!(config.text("database.user").unwrap(), "file-user");
    assert_eq!(config.integer("display.limit"), Some(3));
    assert_eq!(config.text("database.password").unwrap(), "hunter2");

    let mut config = load(dir.path(), &[("DJ_USER", "env-user"), ("DJ_PASS", "")]).unwrap();
    assert_eq!(config.text("database.user").unwrap(), "env-user");
    assert_eq!(config.source("database.user"), Some(Source::Env("DJ_USER".into())));
    config.set("database.user", "runtime-user").unwrap();
    assert_eq!(config.text("database.user").unwrap(), "runtime-user");
    config.merge_file(&dir.path().join("datajoint.json")).unwrap();
    assert_eq!(config.text("database.user").unwrap(), "runtime-user");
    config.reset("database.user").unwrap();
    assert_eq!(config.text("database.user").unwrap(), "env-user");
}

#[test]
fn search_goes_upward_to_the_project_root_and_lapjoint_wins() {
    let dir = TempDir::new().unwrap();
    let inner = dir.path().join("project/src/deep");
    std::fs::create_dir_all(&inner).unwrap();
    write(dir.path(), "datajoint.json", r#"{"display": {"limit": 1}}"#);
    assert_eq!(load(&inner, &[]).unwrap().integer("display.limit"), Some(1));
    write(dir.path(), "lapjoint.json", r#"{"display": {"limit": 2}}"#);
    assert_eq!(load(&inner, &[]).unwrap().integer("display.limit"), Some(2));
    std::fs::create_dir(dir.path().join("project/.git")).unwrap();
    let config = load(&inner, &[]).unwrap();
    assert_eq!((config.integer("display.limit"), config.file()), (Some(12), None));
    write(dir.path(), "project/datajoint.json", r#"{"display": {"limit": 4}}"#);
    assert_eq!(load(&inner, &[]).unwrap().integer("display.limit"), Some(4));
}

#[test]
fn stores_come_from_file_flat_keys_secrets_and_variable() {
    let dir = TempDir::new().unwrap();
    write(
        dir.path(),
        "datajoint.json",
        r#"{"stores": {"default": "main", "main": {"protocol": "file", "location": "/data"}},
            "stores.cold.protocol": "s3", "stores.cold.endpoint": "e", "stores.cold.bucket": "b",
            "stores.cold.location": ""}"#,
    );
    write(dir.path(), ".secrets/stores.cold.secret_key", "hunter2");
    write(dir.path(), ".secrets/stores.main.location", "/elsewhere");
    write(dir.path(), ".secrets/.stores.main.hidden", "x");
    let config = load(dir.path(), &[]).unwrap();
    assert_eq!(config.store_names(), ["main", "cold"]);
    assert_eq!(config.store_spec(None).unwrap().location, "/data");
    assert_eq!(config.store_spec(Some("")).unwrap().name, "main");
    let cold = config.store_spec(Some("cold")).unwrap();
    assert_eq!(cold.option("secret_key"), Some(&json!("hunter2")));

    let variable = r#"{"default": "mem", "mem": {"protocol": "memory"}}"#;
    let config = load(dir.path(), &[("DJ_STORES", variable)]).unwrap();
    assert_eq!(config.store_spec(None).unwrap().protocol, crate::spec::Protocol::Memory);
    assert!(config.store_spec(Some("cold")).is_err(), "the variable replaces all stores");
}

#[test]
fn errors_about_stores_have_the_texts_of_datajoint() {
    let mut config = Config::default();
    let text = |error: StoreError| error.to_string();
    assert!(text(config.store_spec(None).unwrap_err()).starts_with("stores.default is not configured"));
    assert_eq!(
        text(config.filepath_store_spec(None).unwrap_err()),
        "stores.filepath_default is not configured. Set stores.filepath_default or specify store explicitly \
         with <filepath@store>"
    );
    config.set("stores.default", 5).unwrap();
    assert_eq!(text(config.store_spec(None).unwrap_err()), "setting stores.default must be a string");
    config.set("stores.main", json!({"protocol": "memory"})).unwrap();
    let error = text(config.store_spec(Some("mian")).unwrap_err());
    assert!(error.starts_with("Storage 'mian' is requested but not configured in stores"), "{error}");
    assert!(error.contains("did you mean 'main'?"), "{error}");
    assert!(config.store_spec(Some("default")).is_err());
}

#[test]
fn values_are_checked_and_the_place_is_named() {
    let dir = TempDir::new().unwrap();
    let error = load(dir.path(), &[("DJ_PORT", "many")]).unwrap_err().to_string();
    assert_eq!(error, "DJ_PORT must be a whole number from 0 to 65535, or null");
    let error = load(dir.path(), &[("DJ_STORES", "[1]")]).unwrap_err().to_string();
    assert_eq!(error, "DJ_STORES must be a JSON object, got list");
    let error = load(dir.path(), &[("DJ_STORES", "{hunter2")]).unwrap_err().to_string();
    assert!(error.starts_with("DJ_STORES contains invalid JSON: ") && !error.contains("hunter2"), "{error}");
    write(dir.path(), "lapjoint.json", r#"{"loglevel": "LOUD"}"#);
    let error = load(dir.path(), &[]).unwrap_err().to_string();
    assert!(
        error.contains("loglevel") && error.contains("lapjoint.json") && error.contains("DEBUG"),
        "{error}"
    );
    write(dir.path(), "lapjoint.json", "{");
    assert!(load(dir.path(), &[]).unwrap_err().to_string().starts_with("Failed to load config from "));
    let ignored = load(dir.path(), &[("DJ_IGNORE_CONFIG_FILE", "true")]).unwrap();
    assert_eq!(ignored.text("loglevel").unwrap(), "INFO");

    let mut config = Config::default();
    assert!(config.set("safemode", "maybe").is_err());
    config.set("safemode", "off").unwrap();
    assert!(!config.flag("safemode"));
    let error = config.set("safemod", true).unwrap_err().to_string();
    assert_eq!(error, "Setting 'safemod' not found; did you mean 'safemode'?");
}

#[test]
fn unknown_settings_are_noted() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "datajoint.json", r#"{"databse": {"host": "x"}, "display": {"limt": 5}, "colour": 1}"#);
    let config = load(dir.path(), &[]).unwrap();
    assert_eq!(config.notes().len(), 3, "{:?}", config.notes());
    assert!(
        config.notes().iter().any(|note| note.contains("display.limt") && note.contains("display.limit"))
    );
}

#[test]
fn the_default_database_follows_the_host() {
    let dir = TempDir::new().unwrap();
    let config = load(dir.path(), &[]).unwrap();
    assert_eq!(config.text("database.backend").unwrap(), "sqlite");
    assert_eq!(config.text("database.name").unwrap(), ".");
    assert_eq!(config.integer("database.port"), None);
    let config = load(dir.path(), &[("DJ_HOST", "db.example.org")]).unwrap();
    assert_eq!(
        (config.text("database.backend").unwrap().as_str(), config.integer("database.port")),
        ("mysql", Some(3306))
    );
    let config = load(dir.path(), &[("DJ_BACKEND", "mysql"), ("LAPJOINT_BACKEND", "postgresql")]).unwrap();
    assert_eq!(config.integer("database.port"), Some(5432));
    assert_eq!(config.source("database.backend"), Some(Source::Env("LAPJOINT_BACKEND".into())));
}

#[test]
fn credentials_are_masked() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "datajoint.json", "{}");
    write(dir.path(), ".secrets/stores.web.private_header", "hunter2");
    let mut config = load(dir.path(), &[("DJ_PASS", "hunter2")]).unwrap();
    config.set("stores.s3.secret_key", "hunter2").unwrap();
    config.set("stores.s3.proxy_server", "http://me:hunter2@proxy:80/x").unwrap();
    config.set("provenance.source", json!({"system": "lab", "token": "hunter2"})).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let find = |key: &str| config.entries().find(|entry| entry.key == key).unwrap();
    assert_eq!(find("database.password").shown, "********");
    assert_eq!(find("stores.s3.proxy_server").shown, "\"http://********@proxy:80/x\"");
    assert_eq!(find("database.user").shown, "null");
    assert_eq!(config.text("database.password").unwrap(), "hunter2");
}

#[test]
fn groups_are_read_and_assigned_as_objects() {
    let mut config = Config::default();
    config.set("display", json!({"limit": 3, "width": 9})).unwrap();
    assert_eq!(config.get("display").unwrap()["limit"], 3);
    assert!(config.set("display", json!({"limt": 3})).is_err());
    config.set("stores", json!({"a": {"protocol": "memory"}})).unwrap();
    config.set("stores", json!({"default": "b", "b": {"protocol": "memory"}})).unwrap();
    assert_eq!(config.get("stores").unwrap(), json!({"default": "b", "b": {"protocol": "memory"}}));
    config.set("stores.b.token_length", 5).unwrap();
    assert_eq!(config.get("stores.b.token_length"), Some(json!(5)));
    assert_eq!(config.store_spec(None).unwrap().token_length, 5);
    config.reset("stores.b").unwrap();
    assert!(config.store_spec(None).is_err());
    assert_eq!(config.get("nothing"), None);
}

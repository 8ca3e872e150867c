use std::fs;
use std::sync::Arc;

use super::*;
use crate::conformance::{Case, codec_conformance};

const ZMETADATA: &str = r#"{"metadata": {".zattrs": {"view_type": "Markdown", "title": "Written", "description": "of it"}, ".zgroup": {"zarr_format": 2}}, "refs": {}, "zarr_consolidated_format": 1}"#;

/// A folder as figpack saves it; the viewer's script is left short.
fn bundle(extensions: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, content) in [
        ("index.html", "<!doctype html><div id=\"root\"></div>"),
        ("assets/index-a.js", "draw()"),
        ("data.zarr/.zmetadata", ZMETADATA),
        ("data.zarr/_consolidated_0.dat", "chunks"),
        ("extension_manifest.json", extensions),
    ] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn text(path: &Path) -> Value {
    path.to_str().unwrap().into()
}

fn dict(items: &[(&str, Value)]) -> Value {
    Value::Dict(items.iter().map(|(name, item)| (Value::from(*name), item.clone())).collect())
}

#[test]
fn figures_conform() {
    let folder = bundle(r#"{"extensions": []}"#);
    let data = folder.path().join("data.zarr");
    let case = |value: Value, expected: Layout, title: &'static str| {
        Case::checked(value, move |decoded| {
            let figure = decoded.downcast_ref::<FigpackRef>().ok_or(CodecError::NoStore)?;
            figure.object.verify()?;
            Ok(figure.layout()? == expected && figure.title == title)
        })
    };
    let slim = dict(&[("folder", text(folder.path())), ("title", "Given".into()), ("viewer", false.into())]);
    let cases = [
        case(text(folder.path()), Layout::Bundle, "Written"),
        case(text(&data), Layout::Data, "Written"),
        case(slim, Layout::Data, "Given"),
    ];
    let codec: Arc<dyn Codec> = Arc::new(FigpackCodec);
    if let Err(error) = codec_conformance(&codec, &cases) {
        panic!("{error}");
    }
}

#[test]
fn title_and_layout_come_from_the_figure_unless_given() {
    let folder = bundle(r#"{"extensions": []}"#);
    let value = text(folder.path());
    let found = Figure::of(&value).unwrap().look().unwrap();
    assert_eq!(
        (found.title.as_str(), found.description.as_str(), found.layout),
        ("Written", "of it", Layout::Bundle)
    );
    assert_eq!(found.scan.files.len(), 5);
    let value = dict(&[
        ("folder", text(folder.path())),
        ("title", "Given".into()),
        ("description", Value::Null),
        ("viewer", false.into()),
    ]);
    let found = Figure::of(&value).unwrap().look().unwrap();
    assert_eq!(
        (found.title.as_str(), found.description.as_str(), found.layout),
        ("Given", "of it", Layout::Data)
    );
    assert_eq!(found.scan.files.len(), 2);
}

#[test]
fn what_is_no_figure_is_refused() {
    let empty = tempfile::tempdir().unwrap();
    let extended = bundle(r#"{"extensions": [{"name": "x"}]}"#);
    let broken = bundle("[");
    let torn = bundle(r#"{"extensions": []}"#);
    fs::write(torn.path().join("data.zarr/.zmetadata"), &ZMETADATA[..40]).unwrap();
    let slim =
        |folder: &tempfile::TempDir| dict(&[("folder", text(folder.path())), ("viewer", false.into())]);
    for (value, expected) in [
        (text(empty.path()), "view.save(folder"),
        (slim(&extended), "need the viewer"),
        (slim(&broken), "is no JSON"),
        (text(torn.path()), "is no JSON"),
        (text(&empty.path().join("none")), "none"),
        (Value::Int(5), "expects a view of figpack"),
        (dict(&[("title", "x".into())]), "needs the folder"),
        (dict(&[("folder", 5.into())]), "\"folder\" as"),
        (dict(&[("folder", text(torn.path())), ("colour", "x".into())]), "\"colour\""),
    ] {
        let error = Figure::of(&value).and_then(|figure| figure.look().map(drop)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // With its viewer it can be stored.
    assert!(Figure::of(&text(extended.path())).unwrap().look().is_ok());
}

#[test]
fn metadata_of_the_plugin_are_a_folder() {
    let json = json!({"path": "_schema/lab/raster/id=1/figure_Zm7rLub1.zarr", "store": "main", "title": "T", "description": ""});
    let figure = FigpackRef::from_json(&json).unwrap();
    assert!(figure.object.is_dir && figure.title == "T" && figure.metadata() == &json);
    assert!(FigpackCodec.references(&json.into()).unwrap()[0].is_dir);
    for wrong in [
        json!({"title": "T"}),
        json!({"path": "../x", "title": "T"}),
        json!({"path": "a", "title": 5}),
        json!({"path": "a", "layout": "other"}),
        json!({"path": "a", "codec_version": "7.0"}),
    ] {
        assert!(FigpackRef::from_json(&wrong).is_err(), "{wrong}");
    }
}

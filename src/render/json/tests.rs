//! The writer beside `serde_json`, whose text it must give, safe to show.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use proptest::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

use super::*;
use crate::echo::escape::is_unsafe;
use crate::report::rows::LeftOut;

fn written<T: Serialize>(value: &T) -> Result<String, Error> {
    let mut json = Json::in_memory(Buffer::default());
    value.serialize(&mut json)?;
    Ok(String::from_utf8(json.bytes.bytes().to_vec()).unwrap())
}

/// What `serde_json` says; what could steer a terminal is in texts only.
fn expected<T: Serialize>(value: &T) -> String {
    let mut safe = String::new();
    for character in serde_json::to_string(value).unwrap().chars() {
        if !is_unsafe(character) {
            safe.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            safe += &format!("\\u{unit:04x}");
        }
    }
    safe
}

fn the_same<T: Serialize>(value: &T) {
    assert_eq!(written(value).unwrap(), expected(value));
}

/// Texts of what is plain, what has an escape of its own, and what could steer a terminal.
fn texts() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        8 => prop::char::range(' ', '~'),
        1 => prop::char::range('\0', '\u{a0}'),
        1 => prop::sample::select(vec![
            '"', '\\', '/', '\u{7f}', '\u{ad}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{e0041}',
            'ü', '日', '🦀',
        ]),
        1 => any::<char>(),
    ];
    prop::collection::vec(character, 0..70).prop_map(String::from_iter)
}

fn numbers() -> impl Strategy<Value = Number> {
    let near = prop::sample::select(vec![
        0,
        1,
        9,
        10,
        99,
        100,
        999,
        1000,
        u64::MAX - 1,
        u64::MAX,
    ]);
    prop_oneof![
        (0u32..64, any::<u64>()).prop_map(|(bits, number)| (number >> bits).into()),
        near.prop_map(Number::from),
        any::<i64>().prop_map(Number::from),
        prop::sample::select(vec![i64::MIN, -10, -9, -1, i64::MAX]).prop_map(Number::from),
        any::<f64>().prop_filter_map("a number", Number::from_f64),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        numbers().prop_map(Value::Number),
        texts().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((texts(), inner), 0..8)
                .prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_written_as_serde_json_does(value in values()) {
        let text = written(&value).unwrap();
        prop_assert_eq!(&text, &expected(&value));
        prop_assert!(!text.chars().any(is_unsafe));
    }

    #[test]
    fn any_text_is_written_as_serde_json_does(text in texts()) {
        the_same(&text);
        let read: String = serde_json::from_str(&written(&text).unwrap()).unwrap();
        prop_assert_eq!(&read, &text);
        the_same(&Shown(text));
    }
}

/// What is only written by its `Display`.
struct Shown(String);

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .chars()
            .try_for_each(|character| write!(f, "{character}"))
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(u8);

#[derive(Serialize)]
struct Tuple(i8, Option<&'static str>);

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Kinds {
    Nothing,
    One(Newtype),
    Two(u16, Vec<u16>),
    None(),
    Named { a: char, b: Option<u32> },
    Bare {},
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tagged {
    Named {
        capture: usize,
        #[serde(flatten)]
        all: BTreeMap<String, i32>,
    },
    One(Inner),
}

#[derive(Serialize)]
struct Inner {
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
    a_name_longer_than_thirty_two_bytes: bool,
    #[serde(rename = "in")]
    inside: (),
    #[serde(flatten)]
    flat: Flat,
}

#[derive(Serialize)]
struct Flat {
    x: f32,
    y: [i64; 2],
}

fn inner(left_out: Option<u8>) -> Inner {
    Inner {
        left_out,
        a_name_longer_than_thirty_two_bytes: left_out.is_none(),
        inside: (),
        flat: Flat {
            x: 0.1,
            y: [i64::MIN, i64::MAX],
        },
    }
}

#[test]
fn each_kind_of_value_is_written_as_serde_json_does() {
    the_same(&(
        Unit,
        Newtype(255),
        Tuple(-128, None),
        Tuple(1, Some("\n")),
        Empty {},
    ));
    the_same(&[
        Kinds::Nothing,
        Kinds::One(Newtype(9)),
        Kinds::None(),
        Kinds::Bare {},
    ]);
    the_same(&[Kinds::Two(10, vec![]), Kinds::Two(0, vec![1, 65535])]);
    the_same(&[('a', None), ('"', Some(u32::MAX))].map(|(a, b)| Kinds::Named { a, b }));
    the_same(&[Tagged::One(inner(None)), Tagged::One(inner(Some(10)))]);
    let all = BTreeMap::from([("a".to_owned(), i32::MIN), ("\u{7f}".to_owned(), 0)]);
    the_same(&Tagged::Named { capture: 100, all });
    the_same(&(
        i128::MIN,
        u128::MAX,
        i16::MIN,
        f64::NAN,
        f32::INFINITY,
        -0.0,
        1e300,
        f32::MAX,
    ));
    the_same(&(Bytes(b""), Bytes(&[0, 9, 255]), Some(Some(())), None::<u8>));
}

#[test]
fn keys_are_texts_numbers_or_nothing_else() {
    the_same(&BTreeMap::from([(-1, 'a'), (0, 'b'), (i64::MAX, 'c')]));
    the_same(&BTreeMap::from([(false, 1), (true, 2)]));
    the_same(&BTreeMap::from([('"', 1), ('\0', 2), ('ü', 3)]));
    the_same(&BTreeMap::from([(String::new(), [0; 0])]));
    the_same(&BTreeMap::<u8, u8>::new());
    assert!(written(&BTreeMap::from([(vec![1], 1)])).is_err());
    assert!(written(&BTreeMap::from([((), 1)])).is_err());
}

/// What takes some bytes, and then no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn long_lists_are_handed_over_while_they_are_walked() {
    let mut capture = crate::report::sample::answered("a");
    capture.rows = (0..50_000).map(Value::from).collect();
    let report = crate::report::sample::report(vec![capture]);
    let mut out = Vec::new();
    json(&report, &mut out).unwrap();
    let read: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(read, serde_json::to_value(&report).unwrap());
    let whole = out.len();
    json(&report, &mut Full(whole)).unwrap();
    for room in [0, 100, whole / 2, whole - 1] {
        let why = json(&report, &mut Full(room)).unwrap_err().kind();
        assert_eq!(why, io::ErrorKind::StorageFull, "{room}");
    }
}

#[test]
fn rows_stand_in_a_line_each() {
    let (mut room, mut out) = (Room::default(), Vec::new());
    for packets in [5, 70_000] {
        row(
            &Row::LeftOut(LeftOut {
                packets,
                ..LeftOut::default()
            }),
            &mut room,
            &mut out,
        )
        .unwrap();
    }
    let said = String::from_utf8(out).unwrap();
    let each = |packets| format!("{{\"type\":\"left_out\",\"capture\":0,\"packets\":{packets}}}\n");
    assert_eq!(said, each(5) + &each(70_000));
}

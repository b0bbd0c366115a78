//! What serde says of a value, as JSON without blanks.

use std::fmt::{Display, Write as _};
use std::mem::replace;

use serde::ser::{self, Error as _, Serialize, Serializer};

use super::text::{Within, key, text};
use super::{Error, Json};
use crate::report::model::Conversations;

type Done = Result<(), Error>;

/// What is in brackets.
pub(super) struct Inside<'j, 'a> {
    json: &'j mut Json<'a>,
    /// What goes before the next entry: the bracket, then commas.
    lead: u8,
    brackets: [u8; 2],
    /// Whether it is what a variant's name stands for.
    named: bool,
}

impl<'a> Json<'a> {
    #[inline]
    fn begin<'j>(&'j mut self, brackets: [u8; 2], named: bool) -> Inside<'j, 'a> {
        Inside {
            json: self,
            lead: brackets[0],
            brackets,
            named,
        }
    }

    #[inline(never)]
    fn number(&mut self, number: u64) {
        self.bytes.add(number);
    }

    /// A number of 128 bits, which reports do not have.
    #[cold]
    fn longest(&mut self, number: impl Display) -> Done {
        self.bytes.extend(number.to_string().as_bytes());
        Ok(())
    }

    /// Numbers that reports do not have: as `serde_json` prints them.
    #[cold]
    fn float(&mut self, number: impl Serialize) -> Done {
        let number = serde_json::to_vec(&number).map_err(Error::custom)?;
        self.bytes.extend(&number);
        Ok(())
    }
}

impl Inside<'_, '_> {
    #[inline]
    fn entry<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        let lead = replace(&mut self.lead, b',');
        self.json.bytes.push(lead);
        value.serialize(&mut *self.json)
    }

    /// Inlined, a name is a few constants to be stored: most of a report is names.
    #[inline(always)]
    fn field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Done {
        let lead = replace(&mut self.lead, b',');
        key(&mut self.json.bytes, lead, name);
        // settled by its type for most
        if size_of_val(value) == size_of::<Conversations>()
            && !self.json.captures.is_empty()
            && self.json.conversations(&raw const *value)?
        {
            return Ok(());
        }
        value.serialize(&mut *self.json)
    }

    #[inline(always)]
    fn close(self) -> Done {
        let [begin, end] = self.brackets;
        if self.lead == begin {
            self.json.bytes.push(begin);
        }
        self.json.bytes.push(end);
        if self.named {
            self.json.bytes.push(b'}');
        }
        Ok(())
    }
}

impl<'j, 'a> Serializer for &'j mut Json<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Inside<'j, 'a>;
    type SerializeTuple = Inside<'j, 'a>;
    type SerializeTupleStruct = Inside<'j, 'a>;
    type SerializeTupleVariant = Inside<'j, 'a>;
    type SerializeMap = Inside<'j, 'a>;
    type SerializeStruct = Inside<'j, 'a>;
    type SerializeStructVariant = Inside<'j, 'a>;

    fn serialize_bool(self, value: bool) -> Done {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.bytes.extend(word);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Done {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Done {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Done {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Done {
        if value < 0 {
            self.bytes.push(b'-');
        }
        self.number(value.unsigned_abs());
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Done {
        self.longest(value)
    }

    fn serialize_u8(self, value: u8) -> Done {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Done {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Done {
        self.serialize_u64(value.into())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Done {
        self.number(value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Done {
        self.longest(value)
    }

    fn serialize_f32(self, value: f32) -> Done {
        self.float(value)
    }

    fn serialize_f64(self, value: f64) -> Done {
        self.float(value)
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Done {
        text(&mut self.bytes, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.bytes.extend(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        key(&mut self.bytes, b'{', variant);
        value.serialize(&mut *self)?;
        self.bytes.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'j, 'a>, Error> {
        Ok(self.begin(*b"[]", false))
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside<'j, 'a>, Error> {
        Ok(self.begin(*b"[]", false))
    }

    fn serialize_tuple_struct(self, _: &str, _: usize) -> Result<Inside<'j, 'a>, Error> {
        Ok(self.begin(*b"[]", false))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'j, 'a>, Error> {
        key(&mut self.bytes, b'{', variant);
        Ok(self.begin(*b"[]", true))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'j, 'a>, Error> {
        Ok(self.begin(*b"{}", false))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'j, 'a>, Error> {
        Ok(self.begin(*b"{}", false))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'j, 'a>, Error> {
        key(&mut self.bytes, b'{', variant);
        Ok(self.begin(*b"{}", true))
    }

    fn collect_str<T: ?Sized + Display>(self, value: &T) -> Done {
        self.bytes.push(b'"');
        write!(Within(&mut self.bytes), "{value}").map_err(Error::custom)?;
        self.bytes.push(b'"');
        Ok(())
    }
}

impl ser::SerializeSeq for Inside<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.entry(value)?;
        self.json.hand_over()
    }

    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeTuple for Inside<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.entry(value)
    }

    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Inside<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.entry(value)
    }

    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeTupleVariant for Inside<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.entry(value)
    }

    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeMap for Inside<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Done {
        let begins = self.json.bytes.len() + 1;
        self.entry(key)?;
        let bytes = &mut self.json.bytes;
        match bytes.bytes().get(begins) {
            Some(b'"') => {}
            // numbers and truth values
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                let bare = bytes.split_off(begins);
                bytes.add((b'"', (&bare[..], b'"')));
            }
            _ => return Err(Error::custom("a key is neither a text nor a number")),
        }
        bytes.push(b':');
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        value.serialize(&mut *self.json)
    }

    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeStruct for Inside<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Done {
        self.field(name, value)
    }

    #[inline(always)]
    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeStructVariant for Inside<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Done {
        self.field(name, value)
    }

    #[inline(always)]
    fn end(self) -> Done {
        self.close()
    }
}

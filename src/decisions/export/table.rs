//! Records as a Parquet table, for the warehouse: the columns of the database, the record as JSON, its content and feedback.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use super::Exported;
use crate::database::Bind;
use crate::decisions::StoreError;
use crate::decisions::store::{Flat, flat};

/// Writes records to a Parquet file.
pub struct Table<W: Write + Send> {
    file: Option<W>,
    writer: Option<SerializedFileWriter<W>>,
    rows: Vec<Flat>,
}

/// Rows that are written at once: memory holds so many.
const GROUP: usize = 5_000;

impl<W: Write + Send> Table<W> {
    /// A table that goes there.
    pub fn new(file: W) -> Self {
        Self { file: Some(file), writer: None, rows: Vec::new() }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, exported: Exported) -> Result<(), StoreError> {
        let feedback = serde_json::to_string(&exported.feedback).map_err(|error| unwritable(&error))?;
        let mut row = flat(exported.record)?;
        row.push(("feedback", Bind::from(Some(feedback.as_str()).filter(|json| *json != "[]"))));
        self.rows.push(row);
        if self.rows.len() >= GROUP { self.write().map_err(|error| unwritable(&error)) } else { Ok(()) }
    }

    /// Writes what is left and the footer; without records there is nothing to be read.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(mut self) -> Result<(), StoreError> {
        let written = self.write().and_then(|()| self.writer.map_or(Ok(()), |writer| writer.close().map(drop)));
        written.map_err(|error| unwritable(&error))
    }

    fn write(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.rows);
        let Some(first) = rows.first() else { return Ok(()) };
        if let Some(file) = self.file.take() {
            let zstd = Compression::ZSTD(ZstdLevel::default());
            let properties = Arc::new(WriterProperties::builder().set_compression(zstd).build());
            let schema = Arc::new(parse_message_type(&schema(first))?);
            self.writer = Some(SerializedFileWriter::new(file, schema, properties)?);
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let mut group = writer.next_row_group()?;
        let mut column = 0;
        while let Some(mut writer) = group.next_column()? {
            let values = rows.iter().filter_map(|row| Some(&row.get(column)?.1));
            write_column(&mut writer, first.get(column).map(|(_, bind)| bind), values)?;
            writer.close()?;
            column += 1;
        }
        group.close().map(drop)
    }
}

/// The schema of rows like this one, in Parquet's own language.
fn schema(row: &Flat) -> String {
    let field = |(name, bind): &(&str, Bind)| {
        let kind = match bind {
            Bind::Text(_) => "binary",
            Bind::Int(_) => "int64",
            Bind::Real(_) => "double",
            Bind::Bool(_) => "boolean",
        };
        let meaning = match (*name, bind) {
            ("at", _) => " (TIMESTAMP(MICROS,true))",
            ("record" | "request" | "feedback", _) => " (JSON)",
            (_, Bind::Text(_)) => " (UTF8)",
            _ => "",
        };
        format!("optional {kind} {name}{meaning};")
    };
    format!("message decisions {{ {} }}", row.iter().map(field).collect::<Vec<_>>().join(" "))
}

fn write_column<'a>(
    writer: &mut SerializedColumnWriter<'_>,
    kind: Option<&Bind>,
    values: impl Iterator<Item = &'a Bind>,
) -> Result<(), ParquetError> {
    match kind {
        Some(Bind::Int(_)) => {
            write_values::<Int64Type>(writer, values.map(|bind| if let Bind::Int(n) = bind { *n } else { None }))
        }
        Some(Bind::Real(_)) => {
            write_values::<DoubleType>(writer, values.map(|bind| if let Bind::Real(x) = bind { *x } else { None }))
        }
        Some(Bind::Bool(_)) => {
            write_values::<BoolType>(writer, values.map(|bind| if let Bind::Bool(b) = bind { Some(*b) } else { None }))
        }
        Some(Bind::Text(_)) | None => write_values::<ByteArrayType>(writer, values.map(text)),
    }
}

fn text(bind: &Bind) -> Option<ByteArray> {
    if let Bind::Text(Some(text)) = bind { Some(ByteArray::from(text.as_bytes().to_vec())) } else { None }
}

fn write_values<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = values.collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let known: Vec<T::T> = values.into_iter().flatten().collect();
    writer.typed::<T>().write_batch(&known, Some(&levels), None).map(drop)
}

fn unwritable(error: &dyn std::fmt::Display) -> StoreError {
    StoreError(format!("the table cannot be written: {error}"))
}

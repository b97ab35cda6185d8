//! The codes of the training rows, laid out so that the inner products of four rows are one multiplication.

use wide::{i16x8, i32x4};

/// Rows of as many bytes each. Four rows lie side by side, pair of numbers by pair of numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Codes {
    width: usize,
    rows: usize,
    /// Of every four rows, for each pair of places the rows' numbers there; zeros where a row or a number is missing.
    blocks: Vec<i16x8>,
}

impl Codes {
    /// Rows of `width` bytes, one after the other; what is left at the end is none.
    #[must_use]
    pub fn new(bytes: &[i8], width: usize) -> Self {
        let rows: Vec<&[i8]> = bytes.chunks_exact(width.max(1)).collect();
        let at = |row: &[i8], place: usize| i16::from(row.get(place).copied().unwrap_or(0));
        let pairs = |four: &[&[i8]], pair: usize| -> [i16; 8] {
            std::array::from_fn(|i| four.get(i / 2).map_or(0, |row| at(row, 2 * pair + i % 2)))
        };
        let block = |four: &[&[i8]]| -> Vec<i16x8> {
            (0..width.div_ceil(2)).map(|pair| i16x8::new(pairs(four, pair))).collect()
        };
        Self { width, rows: rows.len(), blocks: rows.chunks(4).flat_map(block).collect() }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes each row has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The rows' bytes, one row after the other.
    #[must_use]
    pub fn bytes(&self) -> Vec<i8> {
        let pairs = self.width.div_ceil(2);
        let byte = |row: usize, place: usize| {
            let block = self.blocks[row / 4 * pairs + place / 2].to_array();
            // Every number was a byte.
            block[row % 4 * 2 + place % 2] as i8
        };
        (0..self.rows).flat_map(|row| (0..self.width).map(move |place| byte(row, place))).collect()
    }

    /// The inner product of each row with this one, in the rows' order.
    #[must_use]
    pub fn products(&self, code: &[i8]) -> Vec<i32> {
        let at = |place: usize| i16::from(code.get(place).copied().unwrap_or(0));
        let pair = |pair: usize| i16x8::new(std::array::from_fn(|i| at(2 * pair + i % 2)));
        let code: Vec<i16x8> = (0..self.width.div_ceil(2)).map(pair).collect();
        let mut products = Vec::with_capacity(self.rows.next_multiple_of(4));
        for block in self.blocks.chunks_exact(code.len().max(1)) {
            let mut four = i32x4::ZERO;
            for (rows, code) in block.iter().zip(&code) {
                four += rows.dot(*code);
            }
            products.extend_from_slice(four.as_array());
        }
        products.truncate(self.rows);
        products
    }
}

#[cfg(test)]
mod tests {
    use super::Codes;

    #[test]
    fn products_and_bytes_are_those_of_the_rows_whatever_their_shape() {
        for (rows, width) in [(0, 3), (1, 1), (3, 2), (4, 32), (5, 7), (9, 33)] {
            let bytes: Vec<i8> = (0..rows * width).map(|i| ((i * 37 + 11) % 255 - 127) as i8).collect();
            let codes = Codes::new(&bytes, width as usize);
            assert_eq!((codes.rows(), codes.width(), codes.bytes()), (rows as usize, width as usize, bytes.clone()));
            let code: Vec<i8> = (0..width).map(|i| (i * 91 % 255 - 127) as i8).collect();
            let product = |row: &[i8]| row.iter().zip(&code).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>();
            let expected: Vec<i32> = bytes.chunks_exact(width as usize).map(product).collect();
            assert_eq!(codes.products(&code), expected, "{rows} rows of {width}");
        }
    }
}

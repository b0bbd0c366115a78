//! Values by number, in chunks: where a list grows, what is in it stays where it is.

/// Values allocated at once.
const CHUNK: usize = 32;

/// Values, numbered from 0.
#[derive(Debug)]
pub(super) struct Chunks<T>(Vec<Vec<T>>);

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Chunks<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        let last = self.0.last().map_or(0, Vec::len);
        self.0.len().saturating_sub(1) * CHUNK + last
    }

    /// Adds one.
    #[inline(always)]
    pub fn push(&mut self, value: T) {
        match self.0.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(value),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.0.push(chunk);
            }
        }
    }

    #[inline]
    pub fn get(&self, at: usize) -> Option<&T> {
        self.0.get(at / CHUNK)?.get(at % CHUNK)
    }

    #[inline]
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.0.get_mut(at / CHUNK)?.get_mut(at % CHUNK)
    }

    /// Takes in others; tells the number of their first here, which those of the others follow.
    /// None may be pushed then.
    pub fn append(&mut self, others: Self) -> u32 {
        let first = self.0.len() * CHUNK;
        self.0.extend(others.0);
        u32::try_from(first).expect("2^32 of them are beyond any memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_number_also_among_others() {
        let of = |values: std::ops::Range<usize>| {
            let mut chunks = Chunks::default();
            values.for_each(|value| chunks.push(value));
            chunks
        };
        let mut all = Chunks::default();
        assert_eq!((all.len(), all.get(0)), (0, None));
        for values in [0..40, 0..0, 100..164, 200..201] {
            let one = of(values.clone());
            assert_eq!(one.len(), values.len());
            assert_eq!(one.get(values.len()), None);
            let first = all.append(one) as usize;
            let found = (first..).map(|at| *all.get(at).unwrap());
            assert!(found.take(values.len()).eq(values));
        }
        let all_values = (0..40).chain(100..164).chain(200..201);
        assert!(all.0.iter().flatten().copied().eq(all_values));
        assert_eq!(all.get(40), None, "behind those of the first");
        *all.get_mut(3).unwrap() = 9;
        assert_eq!(all.get(3), Some(&9));
    }
}

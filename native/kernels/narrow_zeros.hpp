// Narrow first layers that leave out blocks of inputs that are zero in a row.
#pragma once

#include "kernels/narrow.hpp"
#include "kernels/zeros.hpp"

namespace descend::DESCEND_ISA {
namespace {

// One vector of floats, or what of it fits into the sixteen lanes of a sum.
template <class T>
constexpr long narrow_block = lanes<T> > 8 ? narrow_width : 8;
template <class T>
constexpr int narrow_block_vectors = static_cast<int>(narrow_block<T> / lanes<T>);
constexpr int outputs_at_once = 10;  // sums in registers

// Bit b: block b of eight, which begin at `from`, is not all zero.
template <class T, class X>
DESCEND_INLINE std::uint8_t filled_blocks(const X* from) {
  std::uint8_t bits = 0;
  if constexpr (sizeof(X) > 1) {
    for (int block = 0; block < 8; ++block)
      for (long v = 0; v < narrow_block<T>; v += lanes<T>)
        bits |=
            static_cast<std::uint8_t>((nonzero_lanes<T>(from + block * narrow_block<T> + v) != 0) << block);
#if defined(__AVX2__) && DESCEND_VECTOR_BYTES == 32
  } else if constexpr (narrow_block<T> == 8) {
    const __m256i* words = reinterpret_cast<const __m256i*>(from);
    const __m256i low = _mm256_cmpeq_epi64(_mm256_loadu_si256(words), _mm256_setzero_si256());
    const __m256i high = _mm256_cmpeq_epi64(_mm256_loadu_si256(words + 1), _mm256_setzero_si256());
    bits = static_cast<std::uint8_t>(
        ~(_mm256_movemask_pd((__m256d)low) | _mm256_movemask_pd((__m256d)high) << 4));
#endif
  } else {
    for (int block = 0; block < 8; ++block) {
      std::uint64_t words[narrow_block<T> / 8], any = 0;
      __builtin_memcpy(words, from + block * narrow_block<T>, sizeof words);
      for (std::uint64_t word : words) any |= word;
      bits |= static_cast<std::uint8_t>((any != 0) << block);
    }
  }
  return bits;
}

// The last blocks of a row, of which eight would reach beyond it.
template <class T, class X>
DESCEND_INLINE std::uint8_t last_filled_blocks(const X* from, long inputs) {
  X padded_values[8 * narrow_block<T>] = {};
  __builtin_memcpy(padded_values, from, static_cast<unsigned long>(inputs) * sizeof(X));
  return filled_blocks<T>(padded_values);
}

// One row: where its blocks are not all zero, by the half of the sixteen lanes that they belong to.
struct RowBlocks {
  std::uint16_t first_input[2][most_listed_inputs / narrow_width + 1 + 8];
  long count[2];
};

template <class T, class Rows>
struct NarrowFilled {
  const Dense<T>& layer;
  const Rows& from;
  Matrix<T> z;
  const Filled<T>& filled;
  static constexpr long halves = narrow_width / narrow_block<T>;

  DESCEND_INLINE void row(long i, long place, RowBlocks& blocks) const {
    const typename Rows::Value* x = from.row(i);
    from.prefetch(i);
    find(x, filled.marks ? filled.marks + place : nullptr, blocks);
    T* sums = z.data + i * z.stride;
    for_output_groups<outputs_at_once>(layer.outputs, Outputs{*this, x, blocks, sums});
    bool lost = false;
    for (long c = 0; c < layer.outputs; ++c) lost |= sums[c] == T(0) && __builtin_signbit(sums[c]);
    if (lost) for_output_groups(layer.outputs, WholeRow{*this, i});
  }

  DESCEND_INLINE void find(const typename Rows::Value* x, std::uint8_t* marks, RowBlocks& blocks) const {
    constexpr int block = static_cast<int>(narrow_block<T>);
    long count[2] = {};
    for (long k = 0; k < layer.inputs; k += 8 * block) {
      const std::uint8_t bits = k + 8 * block <= layer.inputs
                                    ? filled_blocks<T>(x + k)
                                    : last_filled_blocks<T>(x + k, layer.inputs - k);
      if (marks) *marks = bits, marks += filled.capacity;
      if constexpr (halves == 1) {
        count[0] = list_byte<block>(bits, k, blocks.first_input[0], count[0]);
      } else {
        count[0] = list_byte<block>(bits & 0x55, k, blocks.first_input[0], count[0]);
        count[1] = list_byte<block>(bits & 0xaa, k, blocks.first_input[1], count[1]);
      }
    }
    // A block that is not whole comes after all others of its half.
    const long whole = layer.inputs / block * block;
    for (long half = 0; half < halves; ++half) {
      blocks.count[half] = count[half];
      if (count[half] > 0 && blocks.first_input[half][count[half] - 1] == whole) --blocks.count[half];
    }
  }

  struct WholeRow {
    const NarrowFilled& all;
    long i;

    template <int C>
    DESCEND_INLINE void run(long output) const {
      NarrowForward<T, Rows>{all.layer, all.from, 1, all.z}.template outputs<1, C>(i, output);
    }
  };

  struct Outputs {
    const NarrowFilled& all;
    const typename Rows::Value* x;
    const RowBlocks& blocks;
    T* z;

    template <int C>
    DESCEND_INLINE void run(long output) const {
      const long inputs = all.layer.inputs, whole = inputs / narrow_block<T> * narrow_block<T>;
      T lane[C][narrow_width];
      for (long v = 0; v < narrow_width; v += lanes<T>) {
        const long half = v / narrow_block<T>, within = v % narrow_block<T>;
        Vector<T> sum[C] = {};
        for (long i = 0; i < blocks.count[half]; ++i) {
          const long k = blocks.first_input[half][i] + within;
          add<C>(sum, load_values<T>(x + k), output, k);
        }
        if (whole < inputs && whole % narrow_width / narrow_block<T> == half)
          add<C>(sum, all.from.last(x, whole + within), output, whole + within);
        for (int c = 0; c < C; ++c) store(&lane[c][v], sum[c]);
      }
      T total[C];
      tree_sums<C>(lane, total);
      const T scale = all.from.scale();
      for (int c = 0; c < C; ++c)
        z[output + c] = total[c] * scale + (all.layer.bias ? all.layer.bias[output + c] : T(0));
    }

    template <int C>
    DESCEND_INLINE void add(Vector<T> (&sum)[C], Vector<T> value, long output, long k) const {
      const T* weight = all.layer.weight + output * padded(all.layer.inputs) + k;
#pragma GCC unroll 10
      for (int c = 0; c < C; ++c) sum[c] = fma(value, load(weight + c * padded(all.layer.inputs)), sum[c]);
    }
  };
};

template <class T>
struct DenseRowsFilled {
  const Dense<T>& layer;
  long rows;
  Matrix<T> z;
  const Filled<T>& filled;
  long first;

  template <class Rows>
  DESCEND_INLINE void operator()(const Rows& from) const {
    RowBlocks blocks;
    const NarrowFilled<T, Rows> all{layer, from, z, filled};
    for (long i = 0; i < rows; ++i) all.row(i, first + i, blocks);
  }
};

template <class T>
void dense_rows_filled(const Dense<T>& layer, const Source& source, long rows, Matrix<T> z,
                       const Filled<T>& filled, long first) {
  with_rows<T>(source, DenseRowsFilled<T>{layer, rows, z, filled, first});
}

// Gradients and updates of one block of inputs over listed rows.
template <class T, class Rows>
struct NarrowBlockWeights {
  const Backward<T>& b;
  const Rows& from;
  const MarkedRows& rows;
  long k;
  static constexpr int vectors = narrow_block_vectors<T>;

  template <int C>
  DESCEND_INLINE void run(long output) const {
    Vector<T> sum[C][vectors];
    start<C>(sum, output);
    for (long i = 0; i < rows.count; ++i) add<C>(sum, output, rows.row[i]);
    Mask<T> lost = {};
    for (int c = 0; c < C; ++c)
      for (int v = 0; v < vectors; ++v) lost |= negative_zero<T>(sum[c][v]);
    if (any(lost)) {
      start<C>(sum, output);
      for (long row = 0; row < b.rows; ++row) add<C>(sum, output, row);
    }
    finish_narrow<T, C, vectors>(b, k, output, sum, from.scale());
  }

  template <int C>
  DESCEND_INLINE void start(Vector<T> (&sum)[C][vectors], long output) const {
    const T* gradient = b.weight.gradient + output * padded(b.inputs) + k;
    for (int c = 0; c < C; ++c)
      for (int v = 0; v < vectors; ++v)
        sum[c][v] = b.continued ? load(gradient + c * padded(b.inputs) + v * lanes<T>) : Vector<T>{};
  }

  template <int C>
  DESCEND_INLINE void add(Vector<T> (&sum)[C][vectors], long output, long row) const {
    const typename Rows::Value* x = from.row(row) + k;
    const T* d = b.delta.data + row * narrow_width + output;
    Vector<T> values[vectors];
    for (int v = 0; v < vectors; ++v) values[v] = load_values<T>(x + v * lanes<T>);
#pragma GCC unroll 10
    for (int c = 0; c < C; ++c) {
      const Vector<T> own = splat(d[c]);
      for (int v = 0; v < vectors; ++v) sum[c][v] = fma(values[v], own, sum[c][v]);
    }
  }
};

template <class T>
struct LearnNarrowFilled {
  const Backward<T>& b;
  long first, last;

  template <class Rows>
  DESCEND_INLINE void operator()(const Rows& from) const {
    constexpr int outputs = outputs_at_once / narrow_block_vectors<T>;
    // What is left over is one tile, within the padding.
    constexpr long tile = narrow_block<T> > tile_columns<T> ? narrow_block<T> : tile_columns<T>;
    const long whole = b.inputs / tile * tile;
    MarkedRows rows;
    long k = first;
    for (; k < last && k < whole; k += narrow_block<T>) {
      const long block = k / narrow_block<T>;
      rows.list(b.filled->marks + block / 8 * b.filled->capacity, block % 8, b.rows);
      for_output_groups<outputs>(b.outputs, NarrowBlockWeights<T, Rows>{b, from, rows, k});
    }
    for (; k < last; k += tile_columns<T>) for_output_groups(b.outputs, NarrowWeights<T, Rows>{b, from, k});
    if (!b.unfinished && !b.weight_update.store_only) check_finite();
  }

  DESCEND_INLINE void check_finite() const {
    Vector<T> zero = {};
    const long stride = padded(b.inputs), end = round_up(last, lanes<T>);
    for (long c = 0; c < b.outputs; ++c)
      for (long k = first; k < end; k += lanes<T>)
        zero = fma(load(b.weight.value + c * stride + k), Vector<T>{}, zero);
    report_overflow(b, zero);
  }
};

template <class T>
void learn_narrow_filled(const Backward<T>& b, long first, long last) {
  with_rows<T>(*b.source, LearnNarrowFilled<T>{b, first, last});
}

}  // namespace
}  // namespace descend::DESCEND_ISA

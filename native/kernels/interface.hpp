// What the kernels are given and what they offer: plain structures, one table of function pointers.
// The same header serves every instruction set, so it holds no code with external linkage.
#pragma once

#include <cstdint>

#include "kernels/tsqr_interface.hpp"

namespace descend {

enum class Activation : int { identity, sigmoid, hard_sigmoid, tanh, relu, gelu, gelu_tanh };
enum class LossKind : int {
  squared_error,
  absolute_error,
  huber,
  quantile,
  poisson,
  cross_entropy,
  binary_cross_entropy
};
enum class OptimizerKind : int { sgd, rmsprop, adam, adamw };
enum class Function : int { exp, log, log1p, tanh, erf };

// Columns of a panel: wide layers store their weights as [panel][input][32].
inline constexpr long panel_width = 32;
// Layers of at most this many outputs are narrow: weights as [output][inputs padded to 32].
inline constexpr long narrow_width = 16;
inline constexpr int most_slots = 3;

namespace {
constexpr long round_up(long value, long multiple) { return (value + multiple - 1) / multiple * multiple; }
constexpr long padded(long width) { return round_up(width, panel_width); }
constexpr bool is_narrow(long outputs) { return outputs <= narrow_width; }
// Distance between rows of a delta: one short panel for narrow layers.
constexpr long delta_width(long outputs) { return is_narrow(outputs) ? narrow_width : panel_width; }
}  // namespace

// Rows of a table by number; a null `numbers` means first, first + 1, …
struct Source {
  const void* x;
  bool bytes;  // uint8 values, multiplied by scale on the way in
  double scale;
  long rows, width;
  const std::uint32_t* numbers;
  long first;
  const std::uint32_t* ahead;  // rows that will be read next, to be asked for meanwhile
  long rows_ahead;
  // A sparse table: x holds the values that are stored, row i those from starts[i] to starts[i + 1], whose
  // columns ascend.
  const std::int64_t* starts = nullptr;  // null: dense
  const std::int32_t* columns = nullptr;
  bool zeros_count = false;  // the weights are not all finite: no zero may be left out
};

// Inputs of a wide layer that are left out together when a gradient is made.
inline constexpr long wide_block = 4;
// Inputs of a segment: 32 outputs' weights of so many inputs stay in the first-level cache.
inline constexpr long segment_inputs = 192;

// Lists hold inputs, and how many there are, in 16 bits.
inline constexpr long most_listed_inputs = (1L << 16) - 1;
// Rows of a block of a batch that goes through the workspace at once.
inline constexpr long most_block_rows = 4096;

// Where the rows of a workspace are not 0, written as they are read.
template <class T>
struct Filled {
  long inputs, capacity;  // rows that there is room for, a multiple of 8
  // Of wide layers: [pair of rows][columns_stride], inputs of which the pair holds one that is not 0,
  // ascending, with both values beside them; those of segment s end at place segment_end[pair][s].
  std::uint16_t* columns;
  T* pair_values;
  std::uint16_t* segment_end;
  // [block / 8][capacity]: bit block % 8 of a row's byte tells that the block of inputs is not all zero
  // there. Null without a gradient.
  std::uint8_t* marks;

  long columns_stride() const { return inputs + 8; }
  long segments() const { return (inputs + segment_inputs - 1) / segment_inputs; }
};
namespace {
// Values of a sparse table, in the mean.
inline double stored_per_row(const Source& source) {
  return source.rows ? static_cast<double>(source.starts[source.rows]) / static_cast<double>(source.rows)
                     : 0.0;
}
}  // namespace

// A rectangle of values with rows `stride` apart, columns padded with zeros to a multiple of 32.
template <class T>
struct Matrix {
  T* data;
  long stride;
};

// Derivatives by a layer's z: [panel][row][delta_width], padding zero.
template <class T>
struct Delta {
  T* data;
  long panel_stride;
  long width;  // outputs of the layer
};

template <class T>
struct Dense {
  long inputs, outputs;
  const T* weight;
  const T* bias;        // padded, null without bias
  const T* transposed;  // wide layers that pass deltas on: [panel of inputs][output][32]
};

// Random words by counter: block b holds the words 4 b … 4 b + 3.
struct Stream {
  std::uint64_t seed;
  std::uint32_t step, layer, purpose;
};

struct DropoutMask {
  Stream stream;
  std::uint32_t threshold;  // a unit is kept iff its word is at least this
  double factor;
};

template <class T>
struct Loss {
  LossKind kind;
  double parameter;  // huber's delta, the quantile's level
  double smoothing;
  const T* class_weight;       // padded with zeros to 32, or two for binary cross-entropy; never null
  double class_weight_sum;     // of all classes
  const std::int32_t* labels;  // cross-entropy, else null
  const T* targets;            // rows of `outputs` numbers, else null
  const T* weight;             // per row, null for all 1
  long outputs;
};

// Where a row's loss goes; all arrays are indexed by the row's place in the block.
struct RowLoss {
  double* loss;     // weight · loss
  double* correct;  // weight of the row where its class was right
};

template <class T>
struct Update {
  OptimizerKind kind;
  bool store_only;  // write the gradient and leave the weights
  bool plain;       // the weights are changed, by sgd without momentum
  bool first;       // no update was made before
  bool nesterov, centered, amsgrad;
  T rate, decay, keep;  // keep = 1 − rate · decay (adamw)
  T momentum, damped;   // damped = 1 − dampening
  T alpha, one_minus_alpha, eps;
  T one_minus_beta1, beta2, one_minus_beta2;  // adam
  T step_size, root_correction;               // rate / (1 − beta1^t), √(1 − beta2^t)
  T least_moment, least_square;               // slots below are stored as 0: optimizers/slots.py
};

// A parameter as stored, its optimizer slots and (where it is kept) its gradient, all in one layout.
template <class T>
struct Parameter {
  T* value;
  T* slots[most_slots];  // in the order of the optimizer's slot names
  T* gradient;
};

// One layer's share of a backward pass over the rows of a block.
template <class T>
struct Backward {
  long inputs, outputs, rows;
  const Source* source;  // the rows where a layer reads the table, else null
  Matrix<const T> input;
  const Filled<T>* filled;  // of the input, where its zeros are left out, else null
  Delta<const T> delta;
  Parameter<T> weight;
  Parameter<T> bias;  // value null without bias
  T* transposed;      // refreshed after an update, null where there is none
  bool continued;     // the sums go on from the stored gradient
  bool unfinished;    // only store the sums: more rows follow
  Update<T> weight_update, bias_update;
  bool* overflowed;  // set where zeros are left out and a weight is no longer finite
};

template <class T>
struct Kernels {
  long narrow_block;  // inputs of a narrow layer that are left out together
  void (*read_rows)(const Source&, long rows, Matrix<T> out);
  void (*dropout)(const DropoutMask&, long first_row, long rows, long width, Matrix<T> values,
                  Matrix<T> slope);
  void (*dense)(const Dense<T>&, Matrix<const T> in, long rows, Matrix<T> z);
  // Of the table itself: narrow layers, and all layers where the table is sparse.
  void (*dense_rows)(const Dense<T>&, const Source&, long rows, Matrix<T> z);
  // A wide layer that leaves out zeros: lists of gathered rows [first, first + rows), `first` even; those
  // rows times the panels [panel, last_panel).
  void (*list_filled)(Matrix<const T> in, const Filled<T>&, long first, long rows);
  void (*dense_filled)(const Dense<T>&, Matrix<const T> in, const Filled<T>&, long first, long rows,
                       long panel, long last_panel, Matrix<T> z);
  // A narrow layer that leaves out zeros; its marks are those of the workspace's rows from `first` on.
  void (*dense_rows_filled)(const Dense<T>&, const Source&, long rows, Matrix<T> z, const Filled<T>&,
                            long first);
  void (*activate)(Activation, long rows, long width, Matrix<T> values, Matrix<T> slope);
  // Losses of rows, overwriting z. Where delta.data is set: the mean's derivative by the last layer's z,
  // `total` being the sum of all weights of the batch times its target columns, and `slope` the last
  // activation's derivative (data null for identity).
  void (*loss)(const Loss<T>&, const Source&, long rows, Matrix<T> z, double total, Matrix<const T> slope,
               Delta<T> delta, RowLoss out);
  // z becomes its softmax, sigmoid or exponential, as the loss reads it; or stays.
  void (*inverse_link)(LossKind, long rows, long outputs, Matrix<T> z);
  void (*propagate)(const Dense<T>&, Delta<const T> delta, long rows, Matrix<const T> slope, Delta<T> out);
  // Weights of inputs [first, last) × panels [panel, last_panel) (wide) or all outputs (narrow); the biases
  // with first = 0.
  void (*learn)(const Backward<T>&, long panel, long last_panel, long first, long last);
  // The update of the same part, from gradients that were only stored; they are scaled first.
  void (*apply)(const Backward<T>&, long panel, long first, long last, T scale);
  void (*function)(Function, const T* in, T* out, long count);
  // Nothing but independent multiply-adds, `rounds` times; gives how many operations that was.
  double (*saturate)(long rounds);
};

// Words are drawn this many blocks at a time.
inline constexpr long stream_blocks = 16;

struct KernelTable {
  const char* name;
  long tile_rows;
  // Words of `blocks` blocks, a multiple of stream_blocks, from block `first` on.
  void (*words)(const Stream&, std::uint64_t first, long blocks, std::uint32_t* out);
  Kernels<float> single;
  Kernels<double> twice;
  tsqr::Kernels least_squares;
};

}  // namespace descend

#include "program/program.hpp"

#include <algorithm>
#include <cmath>

#include "program/floating_point.hpp"
#include "program/interruption.hpp"
#include "program/zeros.hpp"

namespace descend {
namespace {

// Below this much work a second thread costs more than it brings: two barriers take about a microsecond.
constexpr double operations_per_thread = 4e5;
// Calls for output and evaluation find the threads asleep; waking one takes ten microseconds or more.
constexpr double barriers_per_waking = 10;
constexpr long rows_per_block = 96;  // for output and evaluate; a multiple of all tile heights
constexpr long rows_weighed_at_once = 64 * rows_per_block;

}  // namespace

template <class T>
Program<T>::Program(Network network, OptimizerOptions optimizer, const KernelTable& table, int threads,
                    std::uint64_t seed)
    : network_(std::move(network)),
      optimizer_(optimizer),
      table_(table),
      kernels_(kernels_of<T>(table)),
      threads_(threads),
      seed_(seed),
      weights_(network_, optimizer.slots()) {
  const bool binary = network_.loss.kind == LossKind::binary_cross_entropy;
  class_weight_.assign(static_cast<std::size_t>(padded(network_.outputs()) + 2), T(0));
  const long classes = binary ? 2 : network_.outputs();
  class_weight_sum_ = 0;
  for (long c = 0; c < classes; ++c) {
    const auto i = static_cast<std::size_t>(c);
    class_weight_[i] =
        network_.loss.class_weight.empty() ? T(1) : static_cast<T>(network_.loss.class_weight[i]);
    class_weight_sum_ += static_cast<double>(class_weight_[i]);
  }
}

template <class T>
Loss<T> Program<T>::loss_of(const Data<T>& data) const {
  return {network_.loss.kind,
          network_.loss.parameter,
          network_.loss.smoothing,
          class_weight_.data(),
          class_weight_sum_,
          data.labels.data(),
          data.targets,
          data.weight,
          network_.outputs()};
}

template <class T>
Sums Program<T>::weigh(const Data<T>& data, const Source& rows, long count) const {
  const long outputs = network_.outputs();
  const bool weighted = !network_.loss.class_weight.empty();
  Sums sums;
  if (!data.weight && !weighted) {
    sums.weight = sums.rows = static_cast<double>(count);
    return sums;
  }
  for (long i = 0; i < count; ++i) {
    const long row = rows.numbers ? static_cast<long>(rows.numbers[i]) : rows.first + i;
    const double own = data.weight ? static_cast<double>(data.weight[row]) : 1.0;
    double share = 1.0;
    if (weighted && !data.labels.empty()) {
      share = static_cast<double>(
          class_weight_[static_cast<std::size_t>(data.labels[static_cast<std::size_t>(row)])]);
    } else if (weighted) {
      share = 0.0;
      for (long j = 0; j < outputs; ++j)
        share += static_cast<double>(class_weight_[data.targets[row * outputs + j] > T(0.5)]);
      share /= static_cast<double>(outputs);
    }
    sums.weight += own * share;
    sums.rows += own;
  }
  return sums;
}

template <class T>
void Program<T>::read_inputs(Workspace<T>& space, long row, const Source& source, long rows,
                             const Masks* masks) {
  const Matrix<T> values = space.input(row);
  kernels_.read_rows(source, rows, values);
  for (std::size_t i = 0; masks && network_.layers[i].dropout(); ++i)
    drop(i, *masks, rows, network_.inputs, values, {});
}

template <class T>
void Program<T>::drop(std::size_t layer, const Masks& masks, long rows, long width, Matrix<T> values,
                      Matrix<T> slope) {
  const double rate = network_.layers[layer].rate;
  const DropoutMask mask{dropout_stream(seed_, masks.step, static_cast<std::uint32_t>(layer)),
                         static_cast<std::uint32_t>(rate * 4294967296.0), 1.0 / (1.0 - rate)};
  kernels_.dropout(mask, masks.first_row, rows, width, values, slope);
}

template <class T>
void Program<T>::forward(Workspace<T>& space, long row, const Source& source, long rows, const Masks* masks,
                         Ready ready) {
  const bool gathers = !reads_table(source);
  if (gathers && ready == Ready::nothing) read_inputs(space, row, source, rows, masks);
  Matrix<T> values = gathers ? space.input(row) : Matrix<T>{}, slope{};
  long width = network_.inputs;
  std::size_t dense = 0;
  for (std::size_t i = 0; i < network_.layers.size(); ++i) {
    const Layer& layer = network_.layers[i];
    if (layer.dropout()) {
      if (masks && dense > 0) drop(i, *masks, rows, width, values, slope);
      continue;
    }
    const Matrix<T> z = space.output(dense, row);
    const Dense<T> view = weights_.layers()[dense].view();
    if (dense > 0 || ready != Ready::first_product) {
      if (values.data)
        kernels_.dense(view, {values.data, values.stride}, rows, z);
      else
        kernels_.dense_rows(view, source, rows, z);
    }
    slope = space.slope(dense, row);
    kernels_.activate(layer.activation, rows, layer.units, z, slope);
    values = z;
    width = layer.units;
    ++dense;
  }
}

template <class T>
void Program<T>::first_product(Workspace<T>& space, const Source& source, long rows) {
  list_filled(space);
  const Dense<T> layer = weights_.layers().front().view();
  if (reads_table(source)) {
    kernels_.dense_rows_filled(layer, source, rows, space.output(0, 0), space.filled(), 0);
    return;
  }
  read_inputs(space, 0, source, rows, nullptr);
  const Matrix<T> in = space.input(0);
  kernels_.list_filled({in.data, in.stride}, space.filled(), 0, rows);
  kernels_.dense_filled(layer, {in.data, in.stride}, space.filled(), 0, rows, 0,
                        padded(layer.outputs) / panel_width, space.output(0, 0));
}

template <class T>
bool Program<T>::leaves_out_zeros(const Source& source, long rows) {
  if (source.starts || network_.inputs > most_listed_inputs) return false;
  const bool narrow = is_narrow(weights_.layers().front().outputs);
  if (narrow && !reads_table(source)) return false;
  return mostly_zero<T>(source, rows, narrow ? kernels_.narrow_block : 1) && finite_weights();
}

template <class T>
double Program<T>::operations_per_row(const Source& source) const {
  double sum = 0, inputs = static_cast<double>(network_.inputs);
  if (source.starts && reads_table(source)) inputs = stored_per_row(source);
  for (const auto& layer : weights_.layers()) {
    sum += inputs * static_cast<double>(layer.outputs);
    inputs = static_cast<double>(layer.outputs);
  }
  return 2 * sum;
}

template <class T>
bool Program<T>::finite_weights() {
  if (!finite_weights_) finite_weights_ = weights_.layers().front().weight.finite();
  return *finite_weights_;
}

template <class T>
int Program<T>::useful_threads(double operations) const {
  return static_cast<int>(std::clamp(operations / operations_per_thread, 1.0, static_cast<double>(threads_)));
}

// body(workspace, rows, first, count) for blocks of rows, on as many threads as pay. False: given up.
template <class T>
template <class Body>
bool Program<T>::for_row_blocks(const Source& source, long rows, const Body& body) {
  const long wanted =
      useful_threads(operations_per_row(source) * static_cast<double>(rows) / barriers_per_waking);
  const long share = round_up((rows + wanted - 1) / wanted, table_.tile_rows);
  const long room = std::min({rows, share, rows_per_block});
  const int threads = pool_.ready(static_cast<int>(std::min(wanted, (rows + room - 1) / room)));
  const bool zeros = leaves_out_zeros(source, rows);
  const bool gathers = !reads_table(source), zeros_count = source.starts && !finite_weights();
  while (static_cast<int>(row_spaces_.size()) < threads)
    row_spaces_.emplace_back(weights_, room, false, gathers);
  for (int t = 0; t < threads; ++t) {
    auto& space = row_spaces_[static_cast<std::size_t>(t)];
    if (!space.fits(room, gathers)) space = Workspace<T>(weights_, room, false, gathers);
  }
  std::atomic<long> next{0};
  Interruption interruption(give_up);
  pool_.share(threads, [&](int thread) {
    FloatingPointScope rounding;
    Workspace<T>& space = row_spaces_[static_cast<std::size_t>(thread)];
    for (long first; (first = next.fetch_add(room, std::memory_order_relaxed)) < rows;) {
      const long count = std::min(room, rows - first);
      Source part = source;
      part.first += first;
      part.zeros_count = zeros_count;
      if (zeros) {
        first_product(space, part, count);
        forward(space, 0, part, count, nullptr, Ready::first_product);
      } else {
        forward(space, 0, part, count, nullptr);
      }
      body(space, part, first, count);
      if (thread == 0 ? interruption.asked() : interruption.came()) return;
    }
  });
  return !interruption.came();
}

template <class T>
bool Program<T>::output(const Source& source, long rows, bool inverse_link, T* out) {
  if (rows == 0) return true;
  const std::size_t last = weights_.layers().size() - 1;
  const long outputs = network_.outputs();
  return for_row_blocks(source, rows, [&](Workspace<T>& space, const Source&, long first, long count) {
    const Matrix<T> z = space.output(last, 0);
    if (inverse_link) kernels_.inverse_link(network_.loss.kind, count, outputs, z);
    for (long i = 0; i < count; ++i) std::copy_n(z.data + i * z.stride, outputs, out + (first + i) * outputs);
  });
}

template <class T>
std::optional<Sums> Program<T>::evaluate(const Data<T>& data) {
  FloatingPointScope rounding;
  const std::size_t last = weights_.layers().size() - 1;
  const Loss<T> loss = loss_of(data);
  Sums sums = weigh(data, data.source, data.rows);
  std::vector<double> losses(static_cast<std::size_t>(std::min(data.rows, rows_weighed_at_once))),
      correct(losses.size());
  for (long start = 0; start < data.rows; start += rows_weighed_at_once) {
    const long count = std::min(rows_weighed_at_once, data.rows - start);
    Source part = data.source;
    part.first = start;
    const auto judge = [&](Workspace<T>& space, const Source& source, long first, long rows) {
      kernels_.loss(loss, source, rows, space.output(last, 0), 0.0, {}, {},
                    {losses.data() + first, correct.data() + first});
    };
    if (!for_row_blocks(part, count, judge)) return std::nullopt;
    for (long i = 0; i < count; ++i) {
      sums.loss += losses[static_cast<std::size_t>(i)];
      sums.correct += correct[static_cast<std::size_t>(i)];
    }
  }
  return sums;
}

template class Program<float>;
template class Program<double>;

}  // namespace descend

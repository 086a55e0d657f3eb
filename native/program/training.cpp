#include "program/training.hpp"

#include <algorithm>
#include <cmath>

#include "program/floating_point.hpp"

namespace descend {
namespace {

constexpr long space_bytes = 24L << 20;  // larger batches go through the workspace in blocks
constexpr long table_bytes = 1L << 20;
constexpr long fewest_block_rows = 192;
constexpr long rows_at_once = 48;  // what a second-level cache holds; a multiple of all tile heights
constexpr double long_step = 1e8;  // operations, some milliseconds: shorter steps are not interrupted

long block_rows(long row_bytes, long largest) {
  const long fitting = std::clamp(space_bytes / row_bytes, fewest_block_rows, most_block_rows);
  return std::max(1L, std::min(largest, fitting));
}

// Where the gradient reads the table again, a block's rows should still be in the second-level caches.
long table_block_rows(const Source& source, long value_bytes, long largest) {
  const long row_bytes = source.starts ? static_cast<long>(stored_per_row(source)) * (value_bytes + 4)
                                       : source.width * (source.bytes ? 1 : value_bytes);
  return block_rows(std::max(1L, row_bytes * (space_bytes / table_bytes)), largest);
}

}  // namespace

template <class T>
Training<T>::Training(Program<T>& program, const Data<T>& data, long largest, bool store_only,
                      std::optional<Workspace<T>>& space, const std::function<bool()>& give_up)
    : program_(program),
      data_(data),
      space_(space),
      loss_(program.loss_of(data)),
      store_only_(store_only),
      leaves_out_zeros_(program.leaves_out_zeros(data.source, data.rows)),
      before_update_(give_up),
      in_update_(give_up) {
  Weights<T>& weights = program.weights_;
  const bool gathered = !program.reads_table(data.source), sparse = data.source.starts && !gathered;
  long rows = gathered ? block_rows(Workspace<T>::row_bytes(weights, true), largest)
                       : table_block_rows(data.source, sizeof(T), largest);
  if (sparse) rows = std::min(rows, block_rows(Workspace<T>::row_bytes(weights, false), largest));
  if (!space || !space->fits(rows, gathered)) space.emplace(weights, rows, true, gathered);
  if (sparse) {  // sums are made in the stored gradient
    weights.parameter(0).keep_gradient();
    weights.parameter(0).clear_gradient();
    overflowed_ = !program.finite_weights();
  }
  program.finite_weights_.reset();  // they will change
  const auto parameters = static_cast<std::size_t>(weights.parameters());
  for (std::size_t i = 0; i < parameters; ++i)
    if (store_only || largest > space->rows()) weights.parameter(static_cast<long>(i)).keep_gradient();
  for (Step<T>& step : steps_) step.updates.resize(parameters);
  // Forward, and twice as much back.
  operations_ = 3 * program.operations_per_row(data.source) * static_cast<double>(largest);
}

template <class T>
void Training<T>::run(StepPlanner<T>& planner, int threads) {
  FloatingPointScope rounding;
  share_items(threads);
  if (leaves_out_zeros_) program_.list_filled(*space_);
  Barrier barrier(threads);
  planner.next(steps_[0]);
  program_.pool_.run(threads, [&](int thread) {
    FloatingPointScope rounding;
    for (int turn = 0; !steps_[turn].end && make_step(turn, thread, threads, barrier, planner);) turn ^= 1;
  });
}

template <class T>
void Training<T>::begin(StepPlanner<T>& planner) {
  share_items(1);
  if (leaves_out_zeros_) program_.list_filled(*space_);
  planner.next(steps_[turn_]);
}

template <class T>
bool Training<T>::advance(StepPlanner<T>& planner, bool gathered) {
  if (steps_[turn_].end) return false;
  Barrier alone(1);
  gathered_ = gathered;
  const bool going = make_step(turn_, 0, 1, alone, planner);
  turn_ ^= 1;
  return going && !steps_[turn_].end;
}

template <class T>
bool Training<T>::make_step(int turn, int thread, int threads, Barrier& barrier, StepPlanner<T>& planner) {
  const long room = space_->rows();
  Step<T>& step = steps_[turn];
  const bool reads_table = program_.reads_table(data_.source);
  // Clipped updates do not tell of weights that overflow.
  const bool zeros = leaves_out_zeros_ && !clips() && !__atomic_load_n(&overflowed_, __ATOMIC_RELAXED);
  for (long start = 0; start == 0 || start < step.rows.count; start += room) {
    const long count = std::min(room, step.rows.count - start);
    auto ready = gathered_ ? Ready::inputs : Ready::nothing;
    if (zeros && reads_table) {
      ready = Ready::first_product;
    } else if (zeros) {
      if (ready == Ready::nothing || !space_->listed) {
        read_rows(step, start, count, thread, threads);
        barrier.wait();
      }
      first_product(count, thread, threads);
      barrier.wait();
      ready = Ready::first_product;
    }
    for_rows(step, start, rows_of(count, thread, threads), thread,
             [&](const Source& source, long batch_row, long first, long rows) {
               if (zeros && reads_table)
                 program_.kernels_.dense_rows_filled(program_.weights_.layers().front().view(), source, rows,
                                                     space_->output(0, first), space_->filled(), first);
               block_forward_and_back(step, source, batch_row, first, rows, ready);
             });
    if (threads == 1) space_->listed = zeros;  // where models share rows, one thread has all of them
    barrier.wait();
    if (nonfinite_.load(std::memory_order_relaxed) || before_update_.came()) {
      if (thread == 0) planner.stopped(before_update_.came() ? Stopped::interrupted : Stopped::nonfinite);
      return false;
    }
    if (step.sums.weight > 0) learn(step, start, count, thread, zeros);
    if (clips() && step.sums.weight > 0 && start + room >= step.rows.count) {
      barrier.wait();
      if (!in_update_.came()) update_clipped(step, thread);
    }
    if (thread == 0 && !in_update_.came()) {
      const RowLoss losses = space_->losses(0);
      for (long i = 0; i < count; ++i)
        step.sums.loss += losses.loss[i], step.sums.correct += losses.correct[i];
      if (start + room >= step.rows.count) {
        if (step.sums.weight > 0 && !store_only_) ++program_.updates;
        planner.done(step);
        planner.next(steps_[turn ^ 1]);
      }
    }
    barrier.wait();
    if (in_update_.came()) {
      if (thread == 0) {
        program_.torn = !store_only_ && !clips();  // clipped, no weight has moved yet
        planner.stopped(Stopped::interrupted);
      }
      return false;
    }
  }
  return true;
}

// Whether a long step is to be left here.
template <class T>
bool Training<T>::given_up(Interruption& interruption, int thread) const {
  if (operations_ < long_step) return false;
  return thread == 0 ? interruption.asked() : interruption.came();
}

template <class T>
typename Training<T>::Range Training<T>::rows_of(long count, int thread, int threads) const {
  const long tile = program_.table_.tile_rows;
  const long first = std::min(count, round_up(count * thread / threads, tile));
  if (thread + 1 == threads) return {first, count};
  return {first, std::min(count, round_up(count * (thread + 1) / threads, tile))};
}

template <class T>
template <class Body>
void Training<T>::for_rows(const Step<T>& step, long start, Range range, int thread, const Body& body) {
  Source source = data_.source;
  for (long row = range.first; row < range.last && !given_up(before_update_, thread); row += rows_at_once) {
    source.numbers = step.rows.numbers + start + row;
    source.zeros_count = __atomic_load_n(&overflowed_, __ATOMIC_RELAXED);
    // This thread's next block, or its first of the next batch.
    const long rows = std::min(rows_at_once, range.last - row);
    const long next = row + rows < range.last ? start + row + rows : step.rows.count + range.first;
    source.ahead = step.rows.numbers + next;
    source.rows_ahead = std::clamp(step.rows.count + step.rows.following - next, 0L, rows);
    body(source, start + row, row, rows);
  }
}

// Copies this thread's rows and lists where they are not 0.
template <class T>
void Training<T>::read_rows(const Step<T>& step, long start, long count, int thread, int threads) {
  Workspace<T>& space = *space_;
  const Range range = rows_of(count, thread, threads);
  const Filled<T>& filled = space.filled();
  for_rows(step, start, range, thread, [&](const Source& source, long batch_row, long first, long rows) {
    const typename Program<T>::Masks masks{step.number, batch_row};
    program_.read_inputs(space, first, source, rows, &masks);
    const Matrix<T> in = space.input(0);
    program_.kernels_.list_filled({in.data, in.stride}, filled, first, rows);
  });
}

// The first layer's x W + b, each thread the same panels in every step: half of the weights may fit into its
// cache where all of them do not.
template <class T>
void Training<T>::first_product(long count, int thread, int threads) {
  const Dense<T> layer = program_.weights_.layers().front().view();
  const Matrix<T> in = space_->input(0);
  const long panels = padded(layer.outputs) / panel_width, all = panels * threads;
  // Pieces of a panel's rows, one a thread, so that the panels need not be as many as the threads.
  for (long piece = all * thread / threads, end = all * (thread + 1) / threads; piece < end;) {
    const long panel = piece / threads, part = piece % threads;
    const long last_part = std::min(static_cast<long>(threads), part + end - piece);
    const long first = rows_of(count, static_cast<int>(part), threads).first;
    const long last = rows_of(count, static_cast<int>(last_part) - 1, threads).last;
    program_.kernels_.dense_filled(layer, {in.data, in.stride}, space_->filled(), first, last - first, panel,
                                   panel + 1, space_->output(0, 0));
    piece += last_part - part;
    if (given_up(before_update_, thread)) return;
  }
}

// Rows `batch_row` … of the batch, which lie in the workspace from row `first` on.
template <class T>
void Training<T>::block_forward_and_back(const Step<T>& step, const Source& source, long batch_row,
                                         long first, long rows, Ready ready) {
  Workspace<T>& space = *space_;
  const Kernels<T>& kernels = program_.kernels_;
  const auto& layers = program_.weights_.layers();
  const std::size_t top = layers.size() - 1;
  const typename Program<T>::Masks masks{step.number, batch_row};
  program_.forward(space, first, source, rows, &masks, ready);

  const bool classes = loss_.kind == LossKind::cross_entropy;
  const double total = step.sums.weight * static_cast<double>(classes ? 1 : loss_.outputs);
  const Matrix<T> slope = space.slope(top, first);
  const RowLoss losses = space.losses(first);
  kernels.loss(loss_, source, rows, space.output(top, first), total, {slope.data, slope.stride},
               space.delta(top, first), losses);
  for (long i = 0; i < rows; ++i)
    if (!std::isfinite(losses.loss[i]) && !store_only_) nonfinite_.store(true, std::memory_order_relaxed);
  for (std::size_t layer = top; layer > 0; --layer) {
    const Delta<T> delta = space.delta(layer, first);
    const Matrix<T> below = space.slope(layer - 1, first);
    kernels.propagate(layers[layer].view(), {delta.data, delta.panel_stride, delta.width}, rows,
                      {below.data, below.stride}, space.delta(layer - 1, first));
  }
}

template <class T>
void Training<T>::learn(const Step<T>& step, long start, long count, int thread, bool zeros) {
  Source rows = data_.source;
  rows.numbers = step.rows.numbers + start;
  std::size_t layer = program_.weights_.layers().size();  // none yet
  Backward<T> back{};
  const std::size_t end = share_[static_cast<std::size_t>(thread) + 1];
  for (std::size_t i = share_[static_cast<std::size_t>(thread)], next = i; i < end; i = next) {
    const Item& item = items_[i];
    if (item.layer != layer) {
      back = backward(step, rows, start, count, layer = item.layer, zeros);
      for (Update<T>* update : {&back.weight_update, &back.bias_update})
        if (clips()) update->store_only = true, update->plain = false;
    }
    // Sparse rows are searched for an item's inputs: once for all that follow each other.
    const bool joined = back.source && back.source->starts;
    for (++next; joined && next < end && follows(items_[next - 1], items_[next]);) ++next;
    program_.kernels_.learn(back, item.panel, item.last_panel, item.first, items_[next - 1].last);
    for (std::size_t own = i; clips() && own < next; ++own) measure(own, back);
    if (given_up(in_update_, thread)) return;
  }
}

template <class T>
Backward<T> Training<T>::backward(const Step<T>& step, const Source& rows, long start, long count,
                                  std::size_t layer, bool zeros) {
  Workspace<T>& space = *space_;
  auto& layers = program_.weights_.layers();
  StoredDense<T>& own = layers[layer];
  const bool reads_table = layer == 0 && program_.reads_table(data_.source);
  const Matrix<T> input = layer == 0 ? space.input(0) : space.output(layer - 1, 0);
  const Delta<T> delta = space.delta(layer, 0);
  std::size_t parameter = 0;
  for (std::size_t before = 0; before < layer; ++before) parameter += 1 + layers[before].bias.size();
  return {own.inputs,
          own.outputs,
          count,
          reads_table ? &rows : nullptr,
          {input.data, input.stride},
          layer == 0 && zeros ? &space.filled() : nullptr,
          {delta.data, delta.panel_stride, delta.width},
          own.weight.view(),
          own.bias.empty() ? Parameter<T>{} : own.bias.front().view(),
          own.transposed.size() ? own.transposed.data() : nullptr,
          start > 0,
          start + space.rows() < step.rows.count,
          step.updates[parameter],
          step.updates[parameter + (own.bias.empty() ? 0 : 1)],
          &overflowed_};
}

template class Training<float>;
template class Training<double>;

}  // namespace descend

#include "program/residual.hpp"

#include "program/buffer.hpp"
#include "program/chunks.hpp"
#include "program/tree.hpp"

namespace descend::tsqr {
namespace {

constexpr long lanes = 16;

struct Doubled {
  double head, tail;
};

// Heads are added without loss, tails as they are; the head of the result is the rounded sum of both.
Doubled sum(Doubled a, Doubled b) {
  const double head = a.head + b.head;
  const double gained = head - a.head;
  const double tail = ((a.head - (head - gained)) + (b.head - gained)) + (a.tail + b.tail);
  const double whole = head + tail;
  return {whole, tail - (whole - head)};
}

// Sixteen heads, then sixteen tails: lanes 8 apart, 4 apart, 2 apart, neighbours.
Doubled sum_lanes(const double* lane) {
  Doubled part[lanes];
  for (long i = 0; i < lanes; ++i) part[i] = sum({lane[i], 0}, {lane[lanes + i], 0});
  for (long half = lanes / 2; half > 0; half /= 2)
    for (long i = 0; i < half; ++i) part[i] = sum(part[i], part[i + half]);
  return part[0];
}

}  // namespace

std::vector<double> normal_residual(const System& system, long rows, const double* scale,
                                    const double* coefficients, const KernelTable& table, int threads,
                                    const std::function<void()>& poll) {
  FloatingPointScope rounding;
  using Sums = std::vector<Doubled>;
  using Checkpoint = std::function<void()>;
  const long columns = system.x.columns + (system.intercept ? 1 : 0), targets = system.y.columns;
  const Chunks chunks(rows, columns);
  const std::vector<double> zeros(static_cast<std::size_t>(system.x.columns + targets));
  constexpr long stride =
      block_rows + 8;  // a little more than a power of two apart, which caches like better

  const auto add_chunk = [&](long chunk, const Checkpoint& checkpoint) {
    Buffer<double> workspace((columns + targets) * stride);
    std::vector<double> lane(static_cast<std::size_t>(targets * (columns + 1) * 2 * lanes));
    const Residual residual{scale, zeros.data(), coefficients, lane.data()};
    chunks.for_blocks(chunk, checkpoint, [&](long first, long count) {
      const Block block{workspace.data(), (count + lanes - 1) / lanes * lanes, stride};
      table.least_squares.residual(system, residual, first, count, block);
    });
    Sums sums;
    for (std::size_t at = 0; at < lane.size(); at += 2 * lanes) sums.push_back(sum_lanes(lane.data() + at));
    return sums;
  };
  const auto merge = [](Sums& left, Sums& right, const Checkpoint&) {
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = sum(left[i], right[i]);
  };
  std::vector<double> result;
  for (const Doubled& each : Tree<Sums>(add_chunk, merge).reduce(chunks.count(), threads, poll)) {
    result.push_back(each.head);
    result.push_back(each.tail);
  }
  return result;
}

}  // namespace descend::tsqr

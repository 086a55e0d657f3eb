// Which rows every step reads. Mirrors engines/plan.py.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "program/streams.hpp"

namespace descend {

enum class LastBatch : int { keep, drop, wrap };

struct Order {
  std::uint64_t seed;
  long rows, size;
  LastBatch last;
  bool shuffle, replacement;
  std::vector<std::uint32_t> subset;  // the table's rows that the order is of, empty for all

  bool operator==(const Order&) const = default;
};

// Row numbers of the steps first … first + steps − 1, already cut out of the plan.
struct Listed {
  std::vector<std::uint32_t> rows;
  std::vector<long> offsets;  // steps + 1
};

struct Rows {
  const std::uint32_t* numbers;
  long count;
  long following;  // numbers that stand behind these, of batches to come
};

class Batches {
 public:
  Batches(const KernelTable& table, const Order& order);
  Batches(Listed listed, long first_step);

  // Rows of the batch at `step`; they stay valid for this call and the next one.
  Rows rows(long step);
  long largest() const { return largest_; }

 private:
  struct Epoch {
    long number = -1;
    std::vector<std::uint32_t> rows;
  };
  const std::vector<std::uint32_t>& epoch(long number);

  Order order_{};
  std::optional<OrderStream> stream_;
  Epoch epochs_[3];  // the present one, the next (wrap), and the one of the batch still in use
  std::vector<std::uint32_t> wrapped_[2];
  Listed listed_;
  long first_step_ = 0, largest_ = 0;
  bool by_hand_ = false;
};

}  // namespace descend

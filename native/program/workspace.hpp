// What a block of rows needs on its way forward and back.
#pragma once

#include <vector>

#include "program/buffer.hpp"
#include "program/weights.hpp"

namespace descend {

template <class T>
class Workspace {
 public:
  // Room for `rows` rows at once, with slopes and deltas where it is for training, and with the inputs
  // where they are gathered.
  Workspace(const Weights<T>& weights, long rows, bool training, bool gathered);

  long rows() const { return rows_; }
  bool fits(long rows, bool gathered) const { return rows <= rows_ && (!gathered || input_.values.size()); }
  // Bytes that one row takes.
  static long row_bytes(const Weights<T>& weights, bool gathered);

  Matrix<T> input(long row) { return at(input_, row); }
  Matrix<T> output(std::size_t layer, long row) { return at(outputs_[layer], row); }
  // f′(z) of a layer, dropouts behind it included; data is null where nothing asks for it.
  Matrix<T> slope(std::size_t layer, long row) { return at(slopes_[layer], row); }
  Delta<T> delta(std::size_t layer, long row);
  // Room for where the inputs are not 0: lists where they are gathered, and marks of blocks of so many inputs
  // where the workspace is for training.
  void list_filled(long block);
  const Filled<T>& filled() const { return filled_; }
  bool listed = false;  // the lists are those of the rows that are gathered
  RowLoss losses(long row) { return {loss_.data() + row, correct_.data() + row}; }

 private:
  struct Grid {
    Buffer<T> values;
    long stride = 0;
  };
  static Matrix<T> at(Grid& grid, long row) {
    return {grid.values.size() ? grid.values.data() + row * grid.stride : nullptr, grid.stride};
  }
  void shape(Grid& grid, long width);

  long rows_, inputs_;
  Grid input_;
  std::vector<Grid> outputs_, slopes_;
  std::vector<Buffer<T>> deltas_;
  std::vector<long> widths_;
  Buffer<double> loss_, correct_;
  Filled<T> filled_{};
  Buffer<std::uint16_t> filled_columns_, segment_end_;
  Buffer<T> pair_values_;
  Buffer<std::uint8_t> marks_;
};

}  // namespace descend

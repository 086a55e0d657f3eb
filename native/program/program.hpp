// A network with its weights and optimizer state, ready to run.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "dispatch/dispatch.hpp"
#include "program/batches.hpp"
#include "program/pool.hpp"
#include "program/thread_choice.hpp"
#include "program/workspace.hpp"

namespace descend {

// Rows and their targets. The arrays belong to the caller; labels are our own, for they index memory.
template <class T>
struct Data {
  Source source;  // all rows: numbers null, first 0
  long rows;
  std::vector<std::int32_t> labels;  // cross-entropy
  const T* targets;                  // other losses, rows of outputs
  const T* weight;                   // per row, or null
};

struct Plan {
  long first_step, steps;
  Batches& batches;
  std::vector<double> rate;                               // (steps,)
  std::vector<double> decay;                              // (parameters,) or (steps, parameters)
  double clip = std::numeric_limits<double>::infinity();  // largest norm of a step's gradient
};

enum class Stopped { finished, nonfinite, time, interrupted };

struct Chunk {
  std::vector<double> loss, weight, rows, correct;  // one of each per step done
  double seconds = 0;
  Stopped stopped = Stopped::finished;
};

struct Sums {
  double weight = 0, loss = 0, rows = 0, correct = 0;
};

template <class T>
class Program {
 public:
  Program(Network network, OptimizerOptions optimizer, const KernelTable& table, int threads,
          std::uint64_t seed);

  const Network& network() const { return network_; }
  const KernelTable& table() const { return table_; }
  Weights<T>& weights() {
    finite_weights_.reset();
    return weights_;
  }
  long updates = 0;
  // Asked now and then, on the calling thread, whether a call is to be given up; empty: never.
  std::function<bool()> give_up;
  // An update was given up halfway: the weights are of no use until they are set again.
  bool torn = false;

  Chunk run(const Data<T>& data, const Plan& plan, double seconds);
  // Leaves the gradient in the weights' gradient parts and returns the loss; nothing where it was given up.
  std::optional<double> gradient(const Data<T>& data, std::span<const std::uint32_t> rows,
                                 std::uint32_t step);
  // Rows of outputs, or of what they say of the target (kernels' inverse_link). False: given up.
  bool output(const Source& source, long rows, bool inverse_link, T* out);
  std::optional<Sums> evaluate(const Data<T>& data);

 private:
  template <class>
  friend class Training;
  template <class>
  friend class Crew;

  // Whose dropout applies: the step's number and the batch's row that comes first.
  struct Masks {
    std::uint32_t step;
    long first_row;
  };

  // A narrow first layer reads the table itself, and any first layer a sparse one; others get a gathered copy
  // of the block's rows.
  bool reads_table(const Source& source) const {
    return !network_.layers[0].dropout() && (source.starts || is_narrow(network_.layers[0].units));
  }
  // Whether all weights of the first layer are finite.
  bool finite_weights();
  Loss<T> loss_of(const Data<T>& data) const;
  // Σ weight · class weight (a mean over columns for several), and Σ weight, in the rows' order.
  Sums weigh(const Data<T>& data, const Source& rows, long count) const;
  // A copy of a source's rows in the workspace, with the dropouts before its first dense layer.
  void read_inputs(Workspace<T>& space, long row, const Source& source, long rows, const Masks* masks);
  void drop(std::size_t layer, const Masks& masks, long rows, long width, Matrix<T> values, Matrix<T> slope);
  // The first layer's x W + b from row 0 of the workspace on, zeros left out.
  void first_product(Workspace<T>& space, const Source& source, long rows);
  // What the workspace holds of these rows already.
  enum class Ready { nothing, inputs, first_product };
  // From a source's rows to the outputs, in the workspace's rows from `row` on; masks null: no dropout.
  void forward(Workspace<T>& space, long row, const Source& source, long rows, const Masks* masks,
               Ready ready = Ready::nothing);
  // Whether the first product can and should leave out the zeros among its inputs: a wide layer leaves them
  // out of gathered rows, a narrow one of the table. Its weights must be finite, for 0 · w is not always 0
  // otherwise.
  bool leaves_out_zeros(const Source& source, long rows);
  void list_filled(Workspace<T>& space) const {
    space.list_filled(is_narrow(weights_.layers().front().outputs) ? kernels_.narrow_block : wide_block);
  }
  int useful_threads(double operations) const;
  double operations_per_row(const Source& source) const;
  template <class Body>
  bool for_row_blocks(const Source& source, long rows, const Body& body);

  Network network_;
  OptimizerOptions optimizer_;
  const KernelTable& table_;
  const Kernels<T>& kernels_;
  int threads_;
  std::uint64_t seed_;
  Weights<T> weights_;
  std::optional<bool> finite_weights_;  // where it was looked for since they changed
  std::vector<T> class_weight_;
  double class_weight_sum_;
  Pool pool_;
  ThreadChoice thread_choice_;
  std::optional<Workspace<T>> training_space_;
  std::vector<Workspace<T>> row_spaces_;  // one a thread, for output and evaluate
};

}  // namespace descend

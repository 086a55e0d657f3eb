// Program<T> for Python: checks, ownership of arrays for the call, the interpreter lock.
#include "program/program.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <list>

#include "binding/arrays.hpp"
#include "binding/description.hpp"
#include "binding/interpreter_lock.hpp"
#include "binding/module.hpp"
#include "binding/plans.hpp"
#include "binding/tables.hpp"
#include "binding/turn.hpp"
#include "program/together.hpp"

namespace descend::binding {
namespace {

using namespace nb::literals;

std::atomic<long> programs_alive{0};

template <class T>
class BoundProgram {
 public:
  BoundProgram(long inputs, const std::vector<LayerTuple>& layers, const LossTuple& loss,
               const OptimizerTuple& optimizer, const std::string& instruction_set, int threads,
               std::uint64_t seed)
      : program_(checked_network(inputs, layers, loss), checked_optimizer(optimizer),
                 choose_kernels(instruction_set), checked_threads(threads), seed) {
    program_.give_up = [] {
      const Locked locked;
      return PyErr_CheckSignals() != 0;
    };
    ++programs_alive;
  }
  ~BoundProgram() { --programs_alive; }

  std::string instruction_set() const { return program_.table().name; }

  void bind(const Table& x, const Array& y, const std::optional<Array>& weight, double scale) {
    Bound<T> bound = checked_data<T>(network(), x, y, weight, scale);
    const Turn turn(taken_);
    bound_ = std::move(bound);
  }

  nb::tuple run_order(long first_step, const OrderTuple& order, const Array& rate, const Array& decay,
                      double clip, double seconds) {
    const Turn turn(taken_);
    check_whole();
    // The next chunk of a run goes on in the same epoch's order.
    Order wanted = checked_order(order, bound_data().rows);
    if (!batches_ || !(order_ == wanted)) batches_.emplace(program_.table(), wanted);
    order_ = std::move(wanted);
    return run(checked_plan(first_step, rate, decay, clip, seconds, *batches_), seconds);
  }

  nb::tuple run_listed(long first_step, const Array& rows, const Array& offsets, const Array& rate,
                       const Array& decay, double clip, double seconds) {
    const Turn turn(taken_);
    check_whole();
    const long bound = bound_data().rows;
    Batches batches(checked_listed(length(rate, "rate"), rows, offsets, bound), first_step);
    return run(checked_plan(first_step, rate, decay, clip, seconds, batches), seconds);
  }

  // Runs plans of programs of one shape over the same table; plans: first step, order, rate, decay, clip.
  static nb::list run_together(const std::vector<BoundProgram*>& programs,
                               const std::vector<PlanTuple>& plans, double seconds, int threads) {
    if (programs.empty() || programs.size() != plans.size()) refuse("every program needs a plan");
    checked_threads(threads);
    if (std::isnan(seconds)) refuse("seconds is not a number");
    std::list<Turn> turns;
    std::list<Order> orders;
    std::vector<Member<T>> members;
    for (std::size_t i = 0; i < programs.size(); ++i) {
      BoundProgram& own = *programs[i];
      turns.emplace_back(own.taken_);
      own.check_whole();
      check_alike(own.network(), own.bound_data().source, programs[0]->network(),
                  programs[0]->bound_data().source);
      const auto& [first_step, order, rate, decay, clip] = plans[i];
      orders.push_back(checked_order(order, own.bound_data().rows));
      Rates rates = checked_rates(first_step, rate, decay, own.program_.weights().parameters());
      members.push_back({own.program_, own.bound_data(), orders.back(), first_step,
                         static_cast<long>(rates.rate.size()), std::move(rates.rate), std::move(rates.decay),
                         checked_clip(clip)});
    }
    std::vector<Chunk> chunks;
    {
      const Unlocked unlocked;
      const long most = static_cast<long>(members.size());
      chunks = descend::run_together(members, seconds, static_cast<int>(std::min<long>(threads, most)));
    }
    nb::list results;
    for (const Chunk& chunk : chunks) results.append(told(chunk));
    return results;
  }

  nb::tuple gradient(const Array& rows, std::uint32_t step) {
    const Turn turn(taken_);
    check_whole();
    const Data<T>& data = bound_data();
    const std::vector<std::uint32_t> numbers = checked_rows(rows, 0, length(rows, "rows"), data.rows);
    std::optional<double> loss;
    {
      const Unlocked unlocked;
      loss = program_.gradient(data, numbers, step);
    }
    if (!loss) throw nb::python_error();
    nb::list parts;
    for (long i = 0; i < program_.weights().parameters(); ++i)
      parts.append(part(i, StoredParameter<T>::gradient_part));
    return nb::make_tuple(*loss, parts);
  }

  // Into an array of the caller's: NumPy makes one in a fraction of the time that it takes to hand one over.
  void output(const Table& x, double scale, bool inverse_link, const Writable<T>& out) {
    const Source source = checked_source<T>(network(), x, scale);
    check_shape(out, "out", {source.rows, network().outputs()});
    const Turn turn(taken_);
    check_whole();
    bool finished;
    {
      const Unlocked unlocked;
      finished = program_.output(source, source.rows, inverse_link, out.data());
    }
    if (!finished) throw nb::python_error();
  }

  nb::tuple evaluate(const Table& x, const Array& y, const std::optional<Array>& weight, double scale) {
    const Bound<T> bound = checked_data<T>(network(), x, y, weight, scale);
    const Turn turn(taken_);
    check_whole();
    std::optional<Sums> sums;
    {
      const Unlocked unlocked;
      sums = program_.evaluate(bound.data);
    }
    if (!sums) throw nb::python_error();
    return nb::make_tuple(sums->weight, sums->loss, sums->rows, sums->correct);
  }

  Result<T> read(long parameter, int slot) {
    const Turn turn(taken_);
    check_whole();
    check_part(parameter, slot);
    return part(parameter, slot);
  }

  void write(long parameter, int slot, const Array& values) {
    const Turn turn(taken_);
    check_part(parameter, slot);
    StoredParameter<T>& stored = program_.weights().parameter(parameter);
    stored.write(slot, checked<T>(values, "values", {stored.count()}));
    program_.weights().refresh_transposed();
  }

  long updates() {
    const Turn turn(taken_);
    return program_.updates;
  }
  void set_updates(long number) {
    const Turn turn(taken_);
    if (number < 0) refuse("updates must be at least 0");
    program_.updates = number;
    program_.torn = false;  // comes last of all that is loaded
  }

 private:
  const Network& network() const { return program_.network(); }

  void check_whole() const {
    if (program_.torn) refuse("an update was interrupted halfway: load weights before anything else");
  }

  static int checked_threads(int threads) {
    if (threads < 1 || threads > 1024) refuse("threads must be from 1 to 1024");
    return threads;
  }

  const Data<T>& bound_data() const {
    if (!bound_) refuse("bind comes before run and gradient");
    return bound_->data;
  }

  Plan checked_plan(long first_step, const Array& rate, const Array& decay, double clip, double seconds,
                    Batches& batches) {
    if (std::isnan(seconds)) refuse("seconds is not a number");
    Rates rates = checked_rates(first_step, rate, decay, program_.weights().parameters());
    const long steps = static_cast<long>(rates.rate.size());
    return {first_step, steps, batches, std::move(rates.rate), std::move(rates.decay), checked_clip(clip)};
  }

  nb::tuple run(const Plan& plan, double seconds) {
    Chunk chunk;
    {
      const Unlocked unlocked;
      chunk = program_.run(bound_->data, plan, seconds);
    }
    return told(chunk);
  }

  static nb::tuple told(const Chunk& chunk) {
    if (chunk.stopped == Stopped::interrupted) throw nb::python_error();
    return nb::make_tuple(copied(chunk.loss), copied(chunk.weight), copied(chunk.rows), copied(chunk.correct),
                          chunk.seconds, static_cast<int>(chunk.stopped));
  }

  void check_part(long parameter, int slot) {
    if (parameter < 0 || parameter >= program_.weights().parameters()) refuse("no parameter has this number");
    if (slot < StoredParameter<T>::value_part || slot >= program_.weights().parameter(parameter).slots())
      refuse("no slot has this number");
  }

  Result<T> part(long parameter, int number) {
    const StoredParameter<T>& stored = program_.weights().parameter(parameter);
    const Fresh<T> result = fresh<T>({static_cast<std::size_t>(stored.count())});
    stored.read(number, result.data);
    return result.array;
  }

  Program<T> program_;
  std::optional<Bound<T>> bound_;
  Order order_{};
  std::optional<Batches> batches_;  // of order_
  std::atomic<bool> taken_{false};
};

// Signatures for the stub; what an array must hold is checked and said by the calls themselves.
#define DESCEND_ARRAY "numpy.typing.NDArray[typing.Any]"
#define DESCEND_TABLE                                   \
  DESCEND_ARRAY " | tuple[" DESCEND_ARRAY               \
                ", numpy.typing.NDArray[numpy.int64], " \
                "numpy.typing.NDArray[numpy.int32]]"
#define DESCEND_DOUBLES "numpy.typing.NDArray[numpy.float64]"
#define DESCEND_ORDER "tuple[int, int, int, int, bool, bool, numpy.typing.NDArray[numpy.int64] | None]"
#define DESCEND_CHUNK \
  "tuple[" DESCEND_DOUBLES ", " DESCEND_DOUBLES ", " DESCEND_DOUBLES ", " DESCEND_DOUBLES ", float, int]"

template <class T>
void bind_program(nb::module_& module, const char* name) {
  using P = BoundProgram<T>;
  nb::class_<P>(module, name)
      .def(nb::init<long, const std::vector<LayerTuple>&, const LossTuple&, const OptimizerTuple&,
                    const std::string&, int, std::uint64_t>(),
           "inputs"_a, "layers"_a, "loss"_a, "optimizer"_a, "instruction_set"_a, "threads"_a, "seed"_a)
      .def_prop_ro("instruction_set", &P::instruction_set)
      .def("bind", &P::bind, "x"_a, "y"_a, "weight"_a.none(), "scale"_a,
           nb::sig("def bind(self, x: " DESCEND_TABLE ", y: " DESCEND_ARRAY ", weight: " DESCEND_ARRAY
                   " | None, scale: float) -> None"))
      .def("run_order", &P::run_order, "first_step"_a, "order"_a, "rate"_a, "decay"_a, "clip"_a, "seconds"_a,
           nb::sig("def run_order(self, first_step: int, order: " DESCEND_ORDER ", rate: " DESCEND_DOUBLES
                   ", decay: " DESCEND_DOUBLES ", clip: float, seconds: float) -> " DESCEND_CHUNK))
      .def("run_listed", &P::run_listed, "first_step"_a, "rows"_a, "offsets"_a, "rate"_a, "decay"_a, "clip"_a,
           "seconds"_a,
           nb::sig("def run_listed(self, first_step: int, rows: numpy.typing.NDArray[numpy.int64], "
                   "offsets: numpy.typing.NDArray[numpy.int64], rate: " DESCEND_DOUBLES
                   ", decay: " DESCEND_DOUBLES ", clip: float, seconds: float) -> " DESCEND_CHUNK))
      .def_static(
          "run_together", &P::run_together, "programs"_a, "plans"_a, "seconds"_a, "threads"_a,
          nb::sig((std::string("def run_together(programs: collections.abc.Sequence[") + name +
                   "], plans: collections.abc.Sequence[tuple[int, " DESCEND_ORDER ", " DESCEND_DOUBLES
                   ", " DESCEND_DOUBLES ", float]], seconds: float, threads: int) -> list[" DESCEND_CHUNK "]")
                      .c_str()))
      .def("gradient", &P::gradient, "rows"_a, "step"_a,
           nb::sig("def gradient(self, rows: numpy.typing.NDArray[numpy.int64], step: int) -> "
                   "tuple[float, list[" DESCEND_ARRAY "]]"))
      .def("output", &P::output, "x"_a, "scale"_a, "inverse_link"_a, "out"_a.noconvert(),
           nb::sig("def output(self, x: " DESCEND_TABLE
                   ", scale: float, inverse_link: bool, out: " DESCEND_ARRAY ") -> None"))
      .def("evaluate", &P::evaluate, "x"_a, "y"_a, "weight"_a.none(), "scale"_a,
           nb::sig("def evaluate(self, x: " DESCEND_TABLE ", y: " DESCEND_ARRAY ", weight: " DESCEND_ARRAY
                   " | None, scale: float) -> tuple[float, float, float, float]"))
      .def("read", &P::read, "parameter"_a, "slot"_a,
           nb::sig("def read(self, parameter: int, slot: int) -> " DESCEND_ARRAY))
      .def("write", &P::write, "parameter"_a, "slot"_a, "values"_a,
           nb::sig("def write(self, parameter: int, slot: int, values: " DESCEND_ARRAY ") -> None"))
      .def_prop_rw("updates", &P::updates, &P::set_updates);
}

}  // namespace

void bind_programs(nb::module_& module) {
  bind_program<float>(module, "Float32Program");
  bind_program<double>(module, "Float64Program");
  module.def(
      "_programs_alive", [] { return programs_alive.load(); }, "How many there are; tests count leaks.");
}

}  // namespace descend::binding

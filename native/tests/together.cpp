#include "program/together.hpp"

#include <cstring>
#include <deque>
#include <limits>

#include "tests/check.hpp"
#include "tests/starts.hpp"

namespace descend::tests {
namespace {

constexpr double endless = std::numeric_limits<double>::infinity();

// What members of a group differ in. subset: every second row of the table, else all.
struct Variation {
  double rate, decay, dropout;
  std::uint64_t order_seed;
  long batch, steps;
  bool subset;
};

// Orders shared and not, batches with a short last one, plans of several lengths, one whose rate diverges.
const std::vector<Variation> mixed{{0.01, 0, 0.2, 3, 64, 20, false},   {0.03, 0.01, 0.2, 3, 64, 20, false},
                                   {0.02, 0, 0.5, 3, 64, 13, false},   {0.01, 0.1, 0, 4, 64, 20, false},
                                   {1e30, 0, 0.2, 3, 64, 20, false},   {0.01, 0, 0.2, 3, 32, 24, false},
                                   {0.02, 0.01, 0.3, 3, 20, 15, true}, {0.005, 0, 0.2, 3, 20, 15, true}};
constexpr std::size_t diverging = 4;

// How the first layer comes by its rows.
enum class First { reads_table, gathers, drops_inputs };

struct Size {
  long rows, inputs, units;
};

Network network_of(First first, Size size, double dropout) {
  std::vector<Layer> layers;
  if (first == First::drops_inputs) layers.push_back({0, Activation::identity, false, dropout});
  layers.push_back({first == First::reads_table ? 9 : size.units, Activation::tanh, true, 0});
  layers.push_back({0, Activation::identity, false, dropout});
  layers.push_back({33, Activation::relu, true, 0});
  layers.push_back({6, Activation::identity, true, 0});
  return {size.inputs, layers, {LossKind::cross_entropy, 1.0, 0.0, {}}};
}

template <class T>
class Group {
 public:
  Group(First first, Size size, const std::vector<Variation>& variations)
      : x_(spread_values<T>(size.rows * size.inputs)),
        data_{{x_.data(), false, 1.0, size.rows, size.inputs, nullptr, 0, nullptr, 0},
              size.rows,
              {},
              nullptr,
              nullptr} {
    for (long i = 0; i < size.rows; ++i)
      data_.labels.push_back(x_[static_cast<std::size_t>(i * size.inputs)] > T(0));
    for (const Variation& own : variations)
      places_.emplace_back(network_of(first, size, own.dropout), own, places_.size(), size.rows);
  }

  // What is left of every plan, except of those that diverged.
  void run_together(int threads, double seconds) {
    std::vector<Member<T>> members;
    std::vector<Place*> running;
    for (Place& place : places_) {
      if (place.over()) continue;
      running.push_back(&place);
      const long made = place.made();
      members.push_back({place.program,
                         data_,
                         place.order,
                         made,
                         place.steps - made,
                         {place.rate.begin() + made, place.rate.end()},
                         place.decay,
                         std::numeric_limits<double>::infinity()});
    }
    const int most = std::min(threads, static_cast<int>(members.size()));
    const std::vector<Chunk> chunks = descend::run_together(members, seconds, most);
    check(chunks.size() == running.size(), "not one chunk for each member");
    for (std::size_t i = 0; i < chunks.size(); ++i) running[i]->add(chunks[i]);
  }

  // The next steps of a plan.
  void run_alone(std::size_t i, long steps) {
    Place& place = places_[i];
    Batches batches(place.program.table(), place.order);
    const auto next = place.rate.begin() + place.made();
    const Plan plan{place.made(), steps, batches, {next, next + steps}, place.decay};
    place.add(place.program.run(data_, plan, endless));
  }

  std::size_t size() const { return places_.size(); }
  Program<T>& program(std::size_t i) { return places_[i].program; }
  const Chunk& chunk(std::size_t i) const { return places_[i].chunk; }
  long made(std::size_t i) const { return places_[i].made(); }
  long planned(std::size_t i) const { return places_[i].steps; }
  bool over() const {
    return std::all_of(places_.begin(), places_.end(), [](const Place& place) { return place.over(); });
  }

  // Every value and slot.
  std::vector<T> state(std::size_t i) {
    std::vector<T> all;
    Weights<T>& weights = places_[i].program.weights();
    for (long p = 0; p < weights.parameters(); ++p) {
      const StoredParameter<T>& parameter = weights.parameter(p);
      for (int part = StoredParameter<T>::value_part; part < parameter.slots(); ++part) {
        std::vector<T> values(static_cast<std::size_t>(parameter.count()));
        parameter.read(part, values.data());
        all.insert(all.end(), values.begin(), values.end());
      }
    }
    return all;
  }

 private:
  struct Place {
    Place(const Network& network, const Variation& own, std::size_t number, long rows)
        : program(network, {OptimizerKind::sgd, 0.9, 0, true, 0, false, 0, 0, 0, false}, choose_kernels(""),
                  1, 5 + number),
          order{own.order_seed, rows, own.batch, LastBatch::keep, true, false, {}},
          steps(own.steps),
          decay(static_cast<std::size_t>(program.weights().parameters()), own.decay) {
      write_start(program.weights(), 11 + 7 * number);
      for (long row = 1; own.subset && row < rows; row += 2)
        order.subset.push_back(static_cast<std::uint32_t>(row));
      if (own.subset) order.rows = static_cast<long>(order.subset.size());
      for (long step = 0; step < steps; ++step) rate.push_back(own.rate * static_cast<double>(1 + step % 3));
    }

    long made() const { return static_cast<long>(chunk.loss.size()); }
    bool over() const { return made() == steps || chunk.stopped == Stopped::nonfinite; }
    void add(const Chunk& more) {
      for (auto column : {&Chunk::loss, &Chunk::weight, &Chunk::rows, &Chunk::correct})
        (chunk.*column).insert((chunk.*column).end(), (more.*column).begin(), (more.*column).end());
      chunk.stopped = more.stopped;
    }

    Program<T> program;
    Order order;
    long steps;
    std::vector<double> rate, decay;
    Chunk chunk;  // of all runs so far
  };

  std::vector<T> x_;
  Data<T> data_;
  std::deque<Place> places_;
};

template <class N>
bool same_bits(const std::vector<N>& a, const std::vector<N>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(N)) == 0;
}

template <class T>
void check_same(Group<T>& group, Group<T>& alone, const std::string& how) {
  for (std::size_t i = 0; i < group.size(); ++i) {
    const std::string which = how + ", member " + std::to_string(i);
    const Chunk &own = group.chunk(i), &its = alone.chunk(i);
    check(same_bits(own.loss, its.loss) && same_bits(own.weight, its.weight) &&
              same_bits(own.rows, its.rows) && same_bits(own.correct, its.correct),
          which + ": its steps are not those it makes alone");
    check(group.program(i).updates == alone.program(i).updates, which + ": another number of updates");
    check(same_bits(group.state(i), alone.state(i)), which + ": its bits are not those it has alone");
  }
}

std::string described(First first, int threads) {
  return "first layer " + std::to_string(static_cast<int>(first)) + ", " + std::to_string(threads) +
         " threads";
}

constexpr Size small{150, 21, 40};
constexpr First every_first[] = {First::reads_table, First::gathers, First::drops_inputs};

// seconds: of each run, of which there are as many as it takes.
template <class T>
void check_runs(double seconds) {
  for (First first : every_first) {
    Group<T> alone(first, small, mixed);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      alone.run_alone(i, alone.planned(i));
      const bool diverged = alone.chunk(i).stopped == Stopped::nonfinite;
      check(diverged == (i == diverging), "member " + std::to_string(i) + " ends as it should not");
    }
    for (int threads : {1, 2, 3, 4}) {
      Group<T> group(first, small, mixed);
      for (int runs = 0; !group.over() && runs < 1000; ++runs) group.run_together(threads, seconds);
      check_same(group, alone, described(first, threads));
      for (std::size_t i = 0; i < group.size(); ++i)
        check(group.chunk(i).stopped == alone.chunk(i).stopped, "a member stopped for another reason");
    }
  }
}

const Register whole_single{"together: the float bits of each alone", [] { check_runs<float>(endless); }};
const Register whole_double{"together: the double bits of each alone", [] { check_runs<double>(endless); }};
const Register pieces{"together: in runs of a step each, the bits of one run", [] { check_runs<float>(0); }};

const Register in_blocks{"together: batches larger than a workspace, the bits of each alone", [] {
                           const Size tall{10'000, 21, 40};
                           const std::vector<Variation> pair(2, {0.01, 0, 0.2, 3, 6000, 4, false});
                           Group<float> group(First::gathers, tall, pair), alone(First::gathers, tall, pair);
                           for (std::size_t i = 0; i < pair.size(); ++i) alone.run_alone(i, 4);
                           group.run_together(1, endless);
                           check_same(group, alone, "in blocks");
                         }};

// The same order, three steps an epoch, at places up to four epochs apart.
const Register apart{"together: members at different steps of one order, the bits of each alone", [] {
                       const std::vector<Variation> five(5, {0.01, 0, 0.2, 3, 64, 30, false});
                       const long starts[] = {0, 9, 10, 12, 0};
                       for (First first : every_first) {
                         Group<float> group(first, small, five), alone(first, small, five);
                         for (std::size_t i = 0; i < five.size(); ++i) {
                           alone.run_alone(i, 30);
                           group.run_alone(i, starts[i]);
                         }
                         group.run_together(1, endless);
                         check_same(group, alone, described(first, 1));
                       }
                     }};

// Given up at the ask of that number, 50 ms after the last. A member may be caught in an update: it is torn.
// Any other has made whole steps, and goes on from there.
void check_interrupted(First first, Size size, const std::vector<Variation>& variations, int threads,
                       int asks = 1) {
  Group<float> group(first, size, variations), alone(first, size, variations);
  std::atomic<int> asked{0};
  group.program(0).give_up = [&asked, asks] { return asked.fetch_add(1) + 1 == asks; };
  group.run_together(threads, endless);
  check(asked == asks, "the caller was asked " + std::to_string(asked) + " times");
  for (std::size_t i = 0; i < group.size(); ++i) {
    const std::string which = described(first, threads) + ", member " + std::to_string(i);
    check(group.chunk(i).stopped == Stopped::interrupted, which + " does not say that it was interrupted");
    check(group.made(i) < group.planned(i), which + " was not interrupted");
    if (group.program(i).torn) continue;
    if (group.made(i) > 0) alone.run_alone(i, group.made(i));
    check(same_bits(group.state(i), alone.state(i)), which + ": interrupted between two states");
  }
}

const Register between_steps{"together: interrupted between short steps, the bits of the steps made", [] {
                               const std::vector<Variation> many(5, {0.001, 0, 0.2, 3, 64, 200'000, false});
                               for (int threads : {1, 2, 4})
                                 check_interrupted(First::gathers, small, many, threads);
                             }};

const Register within_steps{
    "together: interrupted within a long step, the bits of the steps made or torn", [] {
      const std::vector<Variation> long_steps(4, {0.001, 0, 0.2, 3, 1024, 100, false});
      for (int threads : {1, 2, 4})
        for (int asks : {1, 2, 3})
          check_interrupted(First::gathers, {1024, 300, 512}, long_steps, threads, asks);
    }};

}  // namespace
}  // namespace descend::tests

// Several programs of one shape trained over the same table, step by step side by side.
#pragma once

#include "program/program.hpp"

namespace descend {

template <class T>
struct Member {
  Program<T>& program;
  const Data<T>& data;
  const Order& order;
  long first_step, steps;
  std::vector<double> rate, decay;  // as in a Plan
  double clip;
};

// Every thread has programs of its own and makes each step of all of them before the next, so that rows are
// read from memory once. Each program ends with the bits it would have alone.
// Returns a chunk for each; an interrupted one says so.
template <class T>
std::vector<Chunk> run_together(std::vector<Member<T>>& members, double seconds, int threads);

}  // namespace descend

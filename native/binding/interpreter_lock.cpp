#include "binding/interpreter_lock.hpp"

#include <unistd.h>

namespace descend::binding {
namespace {

[[noreturn]] void await_end_of_process() {
  for (;;) pause();
}

// take() asks the interpreter for its lock.
template <class Take>
auto taken_back(const Take& take) {
  if (!Py_IsInitialized()) await_end_of_process();  // from the moment on when the interpreter begins to end
  try {
    return take();
  } catch (...) {  // it began while the thread was waiting; leaving this block would abort the process
    await_end_of_process();
  }
}

}  // namespace

Unlocked::Unlocked() : state_(PyEval_SaveThread()) {}

Unlocked::~Unlocked() {
  taken_back([this] { PyEval_RestoreThread(state_); });
}

Locked::Locked() : state_(taken_back([] { return PyGILState_Ensure(); })) {}

Locked::~Locked() { PyGILState_Release(state_); }

}  // namespace descend::binding

// Giving the interpreter's lock away while a call computes, and taking it back.
//
// A thread that wants the lock while the interpreter ends does not get it: Python before 3.14 ends the thread
// by unwinding its stack, which aborts the process where C++ functions that may not throw are on it. Such a
// thread waits here for the process to end, as Python 3.14 has it do. Its stack stays, for other threads may
// use it.
#pragma once

#include <Python.h>

namespace descend::binding {

// The calling thread holds the lock; it is without it as long as this lives.
class Unlocked {
 public:
  Unlocked();
  ~Unlocked();
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  PyThreadState* state_;
};

// The calling thread holds the lock as long as this lives, whether it held it before or not.
class Locked {
 public:
  Locked();
  ~Locked();
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  PyGILState_STATE state_;
};

}  // namespace descend::binding

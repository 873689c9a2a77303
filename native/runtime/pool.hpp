// A lazy pool of threads that share one job at a time. Nothing here knows of Python.
#pragma once

#include <cstdint>
#include <functional>

namespace tconv::pool {

// Threads a job may use, the caller's included.
int num_threads();
void set_num_threads(int threads);

// Runs body(task) for every task in [0, tasks), claimed in turn. The caller takes part, and calls
// `poll` now and then between its tasks. A caller that finds the pool busy, or is itself a task,
// does all of its tasks alone. What a task or `poll` throws ends the job and is thrown here.
void run(int64_t tasks, const std::function<void(int64_t)>& body,
         const std::function<void()>& poll);

}  // namespace tconv::pool

// A lazy pool of threads that share one job at a time. Nothing here knows of Python.
#pragma once

#include <cstdint>
#include <functional>

namespace tconv::pool {

// Threads a job may use, the caller's included.
int num_threads();
void set_num_threads(int threads);

// A library's own way to run a range on its threads; torch_parallel_for of PyTorch's C interface is one.
using ParallelFor = int32_t (*)(int64_t begin, int64_t end, int64_t grain,
                                void (*range)(int64_t begin, int64_t end, void* context),
                                void* context);

// Names the library whose threads serve calls that are hosted. A forked child has none of them.
void set_host(ParallelFor parallel_for);

// From now on jobs of this thread use so many threads of the host; with 0 they use ours again.
void set_hosted_threads(int threads);

// Runs body(task) for every task in [0, tasks), claimed in turn. The caller takes part, and calls
// `poll` now and then between its tasks. A caller that finds the pool busy, or is itself a task,
// does all of its tasks alone. What a task or `poll` throws ends the job and is thrown here.
void run(int64_t tasks, const std::function<void(int64_t)>& body,
         const std::function<void()>& poll);

}  // namespace tconv::pool

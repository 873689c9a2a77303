#include "runtime/pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "runtime/quota.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#define TCONV_POSIX 1
#endif
#ifdef __linux__
#include <sched.h>
#endif

namespace tconv::pool {
namespace {

using Clock = std::chrono::steady_clock;
using Body = std::function<void(int64_t)>;
using Poll = std::function<void()>;

constexpr auto spin_time = std::chrono::microseconds(20);
constexpr auto poll_every = std::chrono::milliseconds(50);
constexpr int most_threads = 1024;

int count_cpus() {
#ifdef __linux__
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
        cpu_set_t* set = CPU_ALLOC(cpus);
        if (!set) break;
        const size_t size = CPU_ALLOC_SIZE(cpus);
        const int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// OMP_NUM_THREADS may be a list, one number a nesting level: the first counts.
int threads_from(const char* variable) {
    const char* value = std::getenv(variable);
    if (!value) return 0;
    char* end = nullptr;
    const long number = std::strtol(value, &end, 10);
    const bool whole = end != value && (*end == '\0' || *end == ',' || *end == ' ');
    if (!whole || number < 1 || number == LONG_MAX) return 0;
    return static_cast<int>(std::min<long>(number, most_threads));
}

int default_threads() {
    for (const char* variable : {"TCONV_NUM_THREADS", "OMP_NUM_THREADS"})
        if (const int threads = threads_from(variable)) return threads;
    const int cpus = count_cpus(), allowed = quota("");
    return std::min(allowed ? std::min(cpus, allowed) : cpus, most_threads);
}

std::atomic<int>& wanted_threads() {
    static std::atomic<int> threads{default_threads()};
    return threads;
}

void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

template <class Condition>
bool spin_until(Condition condition) {
    const auto end = Clock::now() + spin_time;
    do {
        for (int i = 0; i < 32; ++i) {
            if (condition()) return true;
            relax();
        }
    } while (Clock::now() < end);
    return false;
}

// Python wants its signals on its own threads.
class SignalsBlocked {
#ifdef TCONV_POSIX
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
#endif
};

class Poller {
  public:
    explicit Poller(const Poll& poll) : poll_(poll) {}

    void operator()() {
        const auto now = Clock::now();
        if (!poll_ || now - last_ < poll_every) return;
        last_ = now;
        poll_();
    }

  private:
    const Poll& poll_;
    Clock::time_point last_ = Clock::now();
};

class Job {
  public:
    Job(int64_t tasks, const Body& body) : tasks_(tasks), body_(body) {}

    template <class Between>
    void work(Between between) {
        try {
            for (;;) {
                const int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
                if (task >= tasks_ || failed_.load(std::memory_order_relaxed)) return;
                between();
                body_(task);
            }
        } catch (...) {
            fail();
        }
    }

    void fail() {
        if (!failed_.exchange(true)) error_ = std::current_exception();
    }

    // Only once no other thread works on it.
    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

  private:
    const int64_t tasks_;
    const Body& body_;
    std::atomic<int64_t> next_{0};
    std::atomic<bool> failed_{false};
    std::exception_ptr error_;
};

thread_local bool inside_a_task = false;

class Inside {
  public:
    Inside() { inside_a_task = true; }
    ~Inside() { inside_a_task = before_; }

  private:
    const bool before_ = inside_a_task;
};

class Pool {
  public:
    // False if another caller has the pool.
    bool run(Job& job, int helpers, const Poll& poll) {
        std::unique_lock<std::mutex> mine(caller_, std::try_to_lock);
        if (!mine) return false;
        Poller poller(poll);
        publish(job, helpers);
        {
            Inside inside;
            job.work(poller);
        }
        withdraw(job, poller);
        return true;
    }

  private:
    void publish(Job& job, int helpers) {
        int sleeping = 0;
        {
            std::lock_guard<std::mutex> lock(state_);
            grow(helpers);
            job_ = &job;
            seats_ = helpers;
            epoch_.fetch_add(1, std::memory_order_release);
            sleeping = sleeping_;
        }
        for (int i = 0; i < std::min(helpers, sleeping); ++i) wake_.notify_one();
    }

    // No worker may join any more; those that did are waited for.
    void withdraw(Job& job, Poller& poller) {
        {
            std::lock_guard<std::mutex> lock(state_);
            job_ = nullptr;
        }
        if (spin_until([this] { return working_.load(std::memory_order_acquire) == 0; })) return;
        std::unique_lock<std::mutex> lock(state_);
        while (!left_.wait_for(lock, poll_every, [this] { return working_.load() == 0; })) {
            lock.unlock();
            try {
                poller();
            } catch (...) {
                job.fail();
            }
            lock.lock();
        }
    }

    void grow(int helpers) {
        if (workers_ >= helpers) return;
        SignalsBlocked blocked;
        try {
            for (; workers_ < helpers; ++workers_)
                std::thread([this, seen = epoch_.load()] { live(seen); }).detach();
        } catch (const std::system_error&) {
            // the system gives no more threads: those that there are will do
        }
    }

    void live(uint64_t seen) {
        Inside inside;
        const auto news = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
        for (;;) {
            spin_until(news);
            if (Job* job = join(seen)) {
                job->work([] {});
                leave();
            }
        }
    }

    Job* join(uint64_t& seen) {
        std::unique_lock<std::mutex> lock(state_);
        ++sleeping_;
        wake_.wait(lock, [&] { return epoch_.load() != seen; });
        --sleeping_;
        seen = epoch_.load();
        if (!job_ || seats_ == 0) return nullptr;
        --seats_;
        working_.fetch_add(1, std::memory_order_relaxed);
        return job_;
    }

    void leave() {
        std::lock_guard<std::mutex> lock(state_);
        if (working_.fetch_sub(1, std::memory_order_release) == 1) left_.notify_one();
    }

    std::mutex caller_;  // held for a whole job
    std::mutex state_;   // of all that follows
    std::condition_variable wake_, left_;
    std::atomic<uint64_t> epoch_{0};
    std::atomic<int> working_{0};
    Job* job_ = nullptr;
    int seats_ = 0, sleeping_ = 0, workers_ = 0;
};

std::atomic<Pool*> current{nullptr};
std::atomic<ParallelFor> host{nullptr};

#ifdef TCONV_POSIX
// A child has none of its parent's threads, and their locks as they happened to be.
void forget_after_fork() {
    current.store(nullptr);
    host.store(nullptr);
}

[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, forget_after_fork);
#endif

// Never destroyed: its threads may outlive every static object.
Pool& pool() {
    Pool* there = current.load();
    if (there) return *there;
    Pool* made = new Pool;
    if (current.compare_exchange_strong(there, made)) return *made;
    delete made;
    return *there;
}

thread_local int hosted_threads = 0;

// The host's threads take part once each, the caller among them.
bool run_hosted(Job& job, int threads, const Poll& poll) {
    const ParallelFor parallel_for = host.load(std::memory_order_relaxed);
    if (!parallel_for) return false;
    struct Context {
        Job& job;
        Poller poller;
        std::thread::id caller;
    } context{job, Poller(poll), std::this_thread::get_id()};
    const auto take_part = [](int64_t, int64_t, void* given) {
        auto& [work, poller, caller] = *static_cast<Context*>(given);
        Inside inside;
        if (std::this_thread::get_id() == caller)
            work.work(poller);
        else
            work.work([] {});
    };
    return parallel_for(0, threads, 1, take_part, &context) == 0;
}

bool run_on_threads(Job& job, int helpers, const Poll& poll) {
    if (hosted_threads && run_hosted(job, helpers + 1, poll)) return true;
    return pool().run(job, helpers, poll);
}

}  // namespace

int num_threads() {
    return hosted_threads ? hosted_threads : wanted_threads().load(std::memory_order_relaxed);
}

void set_host(ParallelFor parallel_for) { host = parallel_for; }

void set_hosted_threads(int threads) { hosted_threads = std::clamp(threads, 0, most_threads); }

void set_num_threads(int threads) { wanted_threads() = std::clamp(threads, 1, most_threads); }

void run(int64_t tasks, const Body& body, const Poll& poll) {
    Job job(tasks, body);
    const int helpers = static_cast<int>(std::min<int64_t>(num_threads(), tasks)) - 1;
    if (inside_a_task)
        job.work([] {});
    else if (helpers < 1 || !run_on_threads(job, helpers, poll))
        job.work(Poller(poll));
    job.rethrow();
}

}  // namespace tconv::pool

// For tools that look for them in loaded libraries, such as threadpoolctl.
extern "C" {
__attribute__((visibility("default"))) int tconv_get_num_threads() {
    return tconv::pool::num_threads();
}
__attribute__((visibility("default"))) void tconv_set_num_threads(int threads) {
    tconv::pool::set_num_threads(threads);
}
}

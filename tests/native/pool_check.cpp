// What Python cannot see of the pool: every task once, nesting, what is thrown, and quotas.
#include "runtime/pool.hpp"
#include "runtime/quota.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace tconv;

#define CHECK(holds)                                                       \
    if (!(holds)) {                                                        \
        std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds); \
        std::exit(1);                                                      \
    }

namespace {

void every_task_once(int64_t tasks) {
    std::vector<std::atomic<int>> done(tasks);
    pool::run(tasks, [&](int64_t task) { ++done[task]; }, nullptr);
    for (const auto& count : done) CHECK(count == 1);
}

void nested() {
    std::atomic<int> count{0};
    const auto inner = [&](int64_t) { ++count; };
    const auto outer = [&](int64_t) { pool::run(7, inner, nullptr); };
    pool::run(50, [&](int64_t) { pool::run(3, outer, nullptr); }, nullptr);
    CHECK(count == 50 * 3 * 7);
}

void thrown_by_a_task() {
    for (int round = 0; round < 200; ++round) {
        std::atomic<int> count{0};
        bool caught = false;
        try {
            pool::run(100000, [&](int64_t task) {
                ++count;
                if (task % 50 == 49) throw std::runtime_error("task");
            }, nullptr);
        } catch (const std::runtime_error&) {
            caught = true;
        }
        CHECK(caught && count < 100000);
        every_task_once(20);
    }
}

void thrown_by_the_poll() {
    const auto caller = std::this_thread::get_id();
    std::atomic<int> count{0};
    bool caught = false;
    try {
        pool::run(10000, [&](int64_t) {
            ++count;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }, [&] {
            CHECK(std::this_thread::get_id() == caller);
            throw std::runtime_error("poll");
        });
    } catch (const std::runtime_error&) {
        caught = true;
    }
    CHECK(caught && count < 1000);
    every_task_once(20);
}

void many_callers() {
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 8; ++caller)
        callers.emplace_back([] {
            for (int round = 0; round < 300; ++round) every_task_once(1 + round % 40);
        });
    for (auto& caller : callers) caller.join();
}

void quotas() {
    namespace files = std::filesystem;
    std::string root = (files::temp_directory_path() / "tconv-XXXXXX").string();
    CHECK(mkdtemp(root.data()));
    const auto write = [&root](const std::string& name, const std::string& text) {
        const files::path path = root + name;
        files::create_directories(path.parent_path());
        std::ofstream(path) << text;
    };
    CHECK(quota(root) == 0);
    write("/proc/self/cgroup", "0::/some/group\n");
    CHECK(quota(root) == 0);
    write("/sys/fs/cgroup/some/group/cpu.max", "max 100000\n");
    CHECK(quota(root) == 0);
    write("/sys/fs/cgroup/some/group/cpu.max", "250000 100000\n");
    CHECK(quota(root) == 3);
    write("/sys/fs/cgroup/some/cpu.max", "50000 100000\n");
    CHECK(quota(root) == 1);
    write("/proc/self/cgroup", "4:memory:/a\n3:cpuset:/\n2:cpu,cpuacct:/b\n");
    CHECK(quota(root) == 0);
    write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    CHECK(quota(root) == 0);
    write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
    CHECK(quota(root) == 4);
    files::remove_all(root);
}

}  // namespace

int main() {
    quotas();
    for (const int threads : {1, 2, 5, 3}) {
        pool::set_num_threads(threads);
        CHECK(pool::num_threads() == threads);
        for (const int64_t tasks : {0, 1, 2, 7, 1000}) every_task_once(tasks);
        nested();
        thrown_by_a_task();
        thrown_by_the_poll();
        many_callers();
    }
}

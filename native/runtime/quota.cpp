#include "runtime/quota.hpp"

#include <algorithm>
#include <climits>
#include <fstream>
#include <sstream>

namespace tconv {
namespace {

// The first word of a file as a number; 0 if there is no file, or another word ("max").
double first_number(std::istream&& file) {
    double number = 0;
    return file >> number ? number : 0;
}

double limit_of(const std::string& group) {
    std::ifstream file(group + "/cpu.max");
    double allowed = 0, period = 0;
    if (!(file >> allowed >> period)) {
        allowed = first_number(std::ifstream(group + "/cpu.cfs_quota_us"));
        period = first_number(std::ifstream(group + "/cpu.cfs_period_us"));
    }
    return allowed > 0 && period > 0 ? allowed / period : 0;
}

// A line of /proc/self/cgroup is id:controllers:path, with no controllers in version 2.
bool counts_cpu(const std::string& controllers) {
    std::istringstream list(controllers);
    for (std::string one; std::getline(list, one, ',');)
        if (one == "cpu") return true;
    return controllers.empty();
}

}  // namespace

int quota(const std::string& root) {
    double least = 0;
    const auto hold_to = [&least](double limit) {
        if (limit > 0) least = least > 0 ? std::min(least, limit) : limit;
    };
    std::ifstream groups(root + "/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        if (!counts_cpu(controllers)) continue;
        const std::string mount = root + "/sys/fs/cgroup" + (controllers.empty() ? "" : "/cpu");
        // a limit of any group above holds too; a path that a container does not show is skipped
        for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
            hold_to(limit_of(mount + path));
            if (path.find('/') == std::string::npos) break;
        }
    }
    if (!(least > 0)) return 0;
    const double whole = std::min(least, double{INT_MAX / 2});
    const int cpus = static_cast<int>(whole);
    return cpus + (cpus < whole);
}

}  // namespace tconv

// SPDX-License-Identifier: GPL-2.0-only
// The child that mounts a kernel file system where only it can see it.
#include "user/topology/private_mount.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sstream>

namespace tlblab {
namespace {

constexpr std::size_t kMaxFileBytes = 65536;

enum class MountStep : std::int32_t { kRead, kNamespace, kPrivate, kMount };

/// What the child writes before each file's bytes. On a failed step before kRead there is only one.
struct Answer {
  MountStep step = MountStep::kRead;
  std::int32_t error = 0;
  std::uint64_t nr_bytes = 0;
};

bool write_all(int fd, const void* data, std::size_t nr_bytes) {
  const char* at = static_cast<const char*>(data);
  while (nr_bytes > 0) {
    const ssize_t put = ::write(fd, at, nr_bytes);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put;
    nr_bytes -= static_cast<std::size_t>(put);
  }
  return true;
}

bool read_all(int fd, void* data, std::size_t nr_bytes) {
  char* at = static_cast<char*>(data);
  while (nr_bytes > 0) {
    const ssize_t got = ::read(fd, at, nr_bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    nr_bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

/// The child. Another thread may have held the allocator's lock at the fork: everything that needs
/// memory was prepared by the parent, and nothing here allocates.
void serve(int out, const std::string& type, const std::string& mount_point,
           const std::vector<std::string>& full_paths, std::vector<char>& buffer) {
  Answer answer;
  if (::unshare(CLONE_NEWNS) != 0) {
    answer.step = MountStep::kNamespace;
  } else if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    answer.step = MountStep::kPrivate;
    // Never MS_RDONLY: it would reach the file system's one superblock, which others may use.
  } else if (::mount(type.c_str(), mount_point.c_str(), type.c_str(),
                     MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    answer.step = MountStep::kMount;
  }
  if (answer.step != MountStep::kRead) {
    answer.error = errno;
    write_all(out, &answer, sizeof answer);
    return;
  }
  for (const std::string& path : full_paths) {
    answer = {};
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && answer.nr_bytes < buffer.size()) {
      const ssize_t got =
          ::read(fd, buffer.data() + answer.nr_bytes, buffer.size() - answer.nr_bytes);
      if (got < 0) answer.error = errno;
      if (got <= 0) break;
      answer.nr_bytes += static_cast<std::uint64_t>(got);
    }
    if (fd < 0) {
      answer.error = errno;
    } else {
      ::close(fd);
    }
    if (answer.error != 0) answer.nr_bytes = 0;
    if (!write_all(out, &answer, sizeof answer)) return;
    if (!write_all(out, buffer.data(), answer.nr_bytes)) return;
  }
}

std::string explain_failed_step(MountStep step, int error, const std::string& type) {
  const std::string cause = error == EPERM || error == EACCES ? "that needs root (CAP_SYS_ADMIN)"
                                                              : std::string(std::strerror(error));
  switch (step) {
    case MountStep::kNamespace:
    case MountStep::kPrivate:
      return fmt::format("{} is not mounted, and mounting it privately failed: {}", type, cause);
    case MountStep::kMount:
      if (error == ENODEV) return fmt::format("this kernel is built without {}", type);
      if (error == ENOENT) return fmt::format("{} has no mount point here", type);
      return fmt::format("{} is not mounted, and mounting it privately failed: {}", type, cause);
    case MountStep::kRead:
      break;
  }
  return explain_read_error(error);
}

/// One answer per path from the child's end of the pipe.
std::vector<FileText> collect(int in, const std::string& type,
                              const std::vector<std::string>& full_paths) {
  std::vector<FileText> files(full_paths.size());
  std::string failure;  // of the whole, once known
  for (std::size_t i = 0; i < files.size(); ++i) {
    Answer answer;
    if (failure.empty() && !read_all(in, &answer, sizeof answer)) {
      failure = fmt::format("the helper process that reads {} ended early", type);
    } else if (failure.empty() && answer.step != MountStep::kRead) {
      failure = explain_failed_step(answer.step, answer.error, type);
    }
    if (!failure.empty()) {
      files[i].problem = failure;
    } else if (answer.error != 0) {
      files[i].problem = fmt::format("{}: {}", full_paths[i], explain_read_error(answer.error));
    } else {
      files[i].text.resize(answer.nr_bytes);
      if (!read_all(in, files[i].text.data(), answer.nr_bytes)) {
        failure = fmt::format("the helper process that reads {} ended early", type);
        files[i] = {.text = {}, .problem = failure};
      }
      while (!files[i].text.empty() && files[i].text.back() == '\n') files[i].text.pop_back();
    }
  }
  return files;
}

std::vector<FileText> all_failed(std::size_t nr_files, const std::string& problem) {
  return std::vector<FileText>(nr_files, FileText{.text = {}, .problem = problem});
}

}  // namespace

std::string find_mount_point(const std::string& mountinfo, const std::string& type) {
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    // proc(5): "id parent major:minor root mount-point options [optional]... - type source super".
    const auto dash = line.find(" - ");
    if (dash == std::string::npos || line.compare(dash + 3, type.size() + 1, type + " ") != 0) {
      continue;
    }
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < 5; ++i) words >> word;
    return word;
  }
  return {};
}

std::vector<FileText> read_files_of(const std::string& type, const std::string& mount_point,
                                    const std::vector<std::string>& paths) {
  const std::string mounted = find_mount_point(read_kernel_file("/proc/self/mountinfo").text, type);
  std::vector<std::string> full_paths;
  full_paths.reserve(paths.size());
  for (const std::string& path : paths) {
    full_paths.push_back((mounted.empty() ? mount_point : mounted) + "/" + path);
  }
  if (!mounted.empty()) {
    std::vector<FileText> files;
    files.reserve(full_paths.size());
    for (const std::string& path : full_paths) files.push_back(read_kernel_file(path));
    return files;
  }

  std::vector<char> buffer(kMaxFileBytes);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return all_failed(paths.size(), fmt::format("no pipe: {}", std::strerror(errno)));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    serve(ends[1], type, mount_point, full_paths, buffer);
    ::_exit(0);
  }
  const int fork_error = errno;
  ::close(ends[1]);
  std::vector<FileText> files =
      child < 0 ? all_failed(paths.size(), fmt::format("no process: {}", std::strerror(fork_error)))
                : collect(ends[0], type, full_paths);
  ::close(ends[0]);
  while (child > 0 && ::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return files;
}

}  // namespace tlblab

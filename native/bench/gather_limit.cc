// The limit of encoding: how fast the rows of given ids can be read from memory, and nothing else done.
//
//   stillvec_gather_limit IDS ROWS STRIDE BYTES THREADS SECONDS
//
// IDS is a file of uint32 row numbers, in the order in which texts use them, each once a text; of each row's STRIDE
// bytes the first BYTES are read. Prints rows/s of all threads together. The table lies in huge pages, which no gather
// can do better than.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "kernels/bag/bag.h"
#include "runtime/buffer.h"

namespace {

using stillvec::kernels::WeightedRow;
using Clock = std::chrono::steady_clock;

// Rows between two looks at the clock.
constexpr std::size_t kRun = 16384;

std::vector<WeightedRow> read_ids(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<std::uint32_t> ids(file ? static_cast<std::size_t>(file.tellg()) / sizeof(std::uint32_t) : 0);
  file.seekg(0);
  file.read(reinterpret_cast<char*>(ids.data()), static_cast<std::streamsize>(ids.size() * sizeof(std::uint32_t)));
  std::vector<WeightedRow> rows;
  if (!file) return rows;
  rows.reserve(ids.size());
  for (const std::uint32_t id : ids) rows.push_back({id, 1.0f});
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: %s IDS ROWS STRIDE BYTES THREADS SECONDS\n", argv[0]);
    return 2;
  }
  const std::vector<WeightedRow> ids = read_ids(argv[1]);
  const std::size_t rows = std::stoul(argv[2]), stride = std::stoul(argv[3]), bytes = std::stoul(argv[4]);
  const unsigned threads = static_cast<unsigned>(std::stoul(argv[5]));
  const std::chrono::duration<double> seconds(std::stod(argv[6]));
  if (ids.empty() || threads == 0 || bytes > stride) {
    std::fprintf(stderr, "no ids in %s, no threads, or more bytes than a row has\n", argv[1]);
    return 1;
  }
  for (const WeightedRow& id : ids) {
    if (id.row < rows) continue;
    std::fprintf(stderr, "id %u has no row in a table of %zu\n", id.row, rows);
    return 1;
  }
  stillvec::Buffer<std::uint8_t> table(rows * stride);
  for (std::size_t i = 0; i < rows * stride; ++i) table.data()[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);

  const auto read_rows = stillvec::kernels::bag_kernels().read_rows;
  std::atomic<std::uint64_t> read = 0, sum = 0;
  std::barrier start(static_cast<std::ptrdiff_t>(threads) + 1);
  std::atomic<bool> over = false;
  std::vector<std::thread> team;
  for (unsigned t = 0; t < threads; ++t) {
    team.emplace_back([&, t] {
      std::uint64_t mine = 0, total = 0;
      std::size_t next = ids.size() / threads * t;
      start.arrive_and_wait();
      while (!over.load(std::memory_order_relaxed)) {
        const std::size_t count = std::min(kRun, ids.size() - next);
        const WeightedRow* row = ids.data() + next;
        total += read_rows(table.data(), stride, bytes, {row, count, row + count, ids.size() - next - count});
        mine += count;
        next = next + count == ids.size() ? 0 : next + count;
      }
      read += mine;
      sum += total;
    });
  }
  start.arrive_and_wait();
  const Clock::time_point begin = Clock::now();
  std::this_thread::sleep_for(seconds);
  over = true;
  for (std::thread& thread : team) thread.join();
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("{\"rows\":%llu,\"seconds\":%.6f,\"sum\":\"%llx\"}\n", static_cast<unsigned long long>(read), elapsed,
              static_cast<unsigned long long>(sum));
}

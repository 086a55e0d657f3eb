#include "program/streams.hpp"

#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "program/batches.hpp"
#include "tests/check.hpp"

namespace descend::tests {
namespace {

const Register known_words{"streams: the published answer for counter 0 and key 0", [] {
                             std::vector<std::uint32_t> words(4 * stream_blocks);
                             choose_kernels("").words(Stream{}, 0, stream_blocks, words.data());
                             // Random123's known answers for philox4x32-10.
                             check(words[0] == 0x6627e8d5u && words[1] == 0xe169c58du &&
                                       words[2] == 0xbc57ac4cu && words[3] == 0x9b00dbd8u,
                                   "other words than published");
                           }};

const Register permutes{"streams: an order holds every row once", [] {
                          for (long rows : {1L, 2L, 31L, 4096L, 70001L}) {
                            OrderStream stream(choose_kernels(""), 42, rows);
                            std::vector<std::uint32_t> order(static_cast<std::size_t>(rows));
                            stream.permutation(7, order.data());
                            std::sort(order.begin(), order.end());
                            for (std::size_t i = 0; i < order.size(); ++i)
                              check(order[i] == i, "a row is missing");
                          }
                        }};

const Register wraps{
    "batches: wrapping fills the last batch from the next order", [] {
      Batches batches(choose_kernels(""), Order{1, 5, 3, LastBatch::wrap, false, false, {}});
      const Rows last = batches.rows(1);
      check(last.count == 3 && last.numbers[0] == 3 && last.numbers[1] == 4 && last.numbers[2] == 0,
            "wrong rows");
      check(batches.rows(2).numbers[0] == 0, "the next epoch does not begin with its first row");
    }};

}  // namespace
}  // namespace descend::tests

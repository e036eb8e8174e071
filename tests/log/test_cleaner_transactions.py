"""Aborted data goes, markers stay as long as anything of their transaction does (CleanedTransactionMetadata)."""

from ottla.log.cleaner.transactions import ABORT, COMMIT, AbortedTransaction, CleanedTransactions

ABORTED = AbortedTransaction(producer_id=1, first_offset=10, last_offset=15, last_stable_offset=16)


def batch(transactions: CleanedTransactions, producer_id: int, first: int, last: int) -> bool:
    return transactions.on_batch(producer_id, first, last, transactional=True)


def test_batches_of_an_aborted_transaction_go_and_others_stay() -> None:
    transactions = CleanedTransactions([ABORTED])
    assert not batch(transactions, 1, 5, 6)
    assert batch(transactions, 1, 10, 11)
    assert not batch(transactions, 2, 12, 12)
    assert not transactions.on_batch(1, 13, 13, transactional=False)


def test_an_abort_marker_stays_with_its_index_entry_while_batches_are_there() -> None:
    transactions = CleanedTransactions([ABORTED])
    kept: list[AbortedTransaction] = []
    batch(transactions, 1, 10, 11)
    assert not transactions.on_control_batch(1, 15, ABORT, kept.append)
    assert kept == [ABORTED]
    assert not batch(transactions, 1, 16, 16), "the next transaction is another one"


def test_an_abort_marker_may_go_when_no_batch_is_left_and_its_entry_goes_at_once() -> None:
    transactions = CleanedTransactions([ABORTED])
    kept: list[AbortedTransaction] = []
    assert transactions.on_control_batch(1, 15, ABORT, kept.append)
    assert kept == []


def test_a_commit_marker_stays_while_batches_are_there() -> None:
    transactions = CleanedTransactions([])
    batch(transactions, 1, 0, 1)
    assert not transactions.on_control_batch(1, 2, COMMIT)
    assert transactions.on_control_batch(1, 3, COMMIT)


def test_an_emptied_control_batch_may_go_and_an_unknown_one_stays() -> None:
    transactions = CleanedTransactions([])
    assert transactions.on_control_batch(1, 2, None)
    assert not transactions.on_control_batch(1, 2, 2)


def test_two_aborted_transactions_of_one_producer_follow_each_other() -> None:
    second = AbortedTransaction(1, 20, 25, 26)
    transactions = CleanedTransactions([second, ABORTED, ABORTED])
    assert batch(transactions, 1, 10, 10)
    transactions.on_control_batch(1, 15, ABORT)
    assert not batch(transactions, 1, 16, 17)
    transactions.on_control_batch(1, 18, COMMIT)
    assert batch(transactions, 1, 20, 21)


def test_an_entry_whose_marker_is_gone_takes_nothing_behind_it_along() -> None:
    transactions = CleanedTransactions([ABORTED])
    assert not batch(transactions, 1, 16, 17)


def test_an_entry_whose_marker_is_gone_does_not_hide_the_next_one() -> None:
    transactions = CleanedTransactions([ABORTED, AbortedTransaction(1, 20, 25, 26)])
    assert not transactions.on_batch(2, 12, 12, transactional=True)
    assert batch(transactions, 1, 20, 21)

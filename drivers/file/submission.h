/* SPDX-License-Identifier: MIT
 *
 * Jobs that io_uring(7) does: opens, reads, writes, syncs and statuses, and closing. The others are system calls that
 * it does not have, or not on every kernel, and run on threads in any case. */
#ifndef FILE_SUBMISSION_H
#define FILE_SUBMISSION_H

#include "job.h"

/* Opens files->ring. 0; or a negative errno, and `cause` says why there is none, for people to read. */
int submission_open(struct files *files, char *cause, size_t size);

/* Whether such jobs are handed to the ring. */
bool submission_does(const struct files *files, uint32_t kind);

/* [inside poll] Queues it, and before the executor sleeps it is handed over. When it is done, job->result is there, and
 * the operation's waker is woken. */
void submission_queue(struct files *files, struct job *job, struct trale_file_op *op);

/* The operation is dropped: the job ends, now or when it is done. */
void submission_leave(struct job *job);

/* Closes a file without users. false: the ring does not. */
bool submission_close(struct file *file);

/* [inside poll] Takes what is done, and has the waker woken when more is, until the next call or the end of the wait.
 */
void submission_poll(struct files *files, const struct trale_waker *waker);
void submission_end_wait(struct files *files);

/* What the description has. */
uint64_t submission_before_wait(void *instance, uint32_t idle);
int32_t submission_settle(void *instance, uint64_t deadline_ns);

/* [stop] */
void submission_end(struct files *files);

#endif

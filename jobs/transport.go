package jobs

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// builder makes the request of an operation; anew for every attempt, because a
// body is read only once.
type builder func() (*http.Request, error)

// call sends an operation, again where that is safe and promising, and hands
// the body of the answer to parse; nil expects none. The error is an [*Error],
// but where the request could not be built.
func (c *Client) call(ctx context.Context, op operation, build builder, parse func([]byte) error) error {
	for attempts := 1; ; attempts++ {
		_, err := c.once(ctx, op, build, parse)
		if err == nil {
			return nil
		}
		var failed *Error
		if !errors.As(err, &failed) {
			return err
		}
		failed.Attempts += attempts - 1
		delay, again := c.retry.next(op, attempts, failed)
		if !again {
			return err
		}
		c.log.LogAttrs(ctx, levelRepeat, "tensorbay request will be sent again", failed.attrs(delay)...)
		if ended := sleep(ctx, delay); ended != nil {
			failed.interrupt(ended)
			return err
		}
	}
}

// once sends an operation a single time, when the pace allows. What it returns of
// the answer holds for good and bad ones alike.
func (c *Client) once(ctx context.Context, op operation, build builder, parse func([]byte) error) (a response, err error) {
	req, err := build()
	if err != nil {
		return a, invalid("%s: %v", op.name, err)
	}
	requestID := c.authorize(req.Header)
	failure := func(a response, cause error) *Error {
		return &Error{
			Operation: op.name, Method: req.Method, Path: c.relative(req), RequestID: requestID,
			StatusCode: a.status, RetryAfter: a.retryAfter, Attempts: 1, cause: cause,
		}
	}
	if err := c.pace.Wait(ctx); err != nil {
		failed := failure(response{}, err)
		failed.notSent, failed.Attempts = true, 0
		return a, failed
	}
	a, err = c.attempt(ctx, op, req)
	sound := err == nil && (a.status == http.StatusOK || a.status == http.StatusCreated || a.status < 300 && parse == nil)
	if sound {
		if err = checkBody(a, parse); err == nil {
			return a, nil
		}
	}
	failed := failure(a, err)
	switch {
	case sound:
	case err != nil:
		failed.notSent = notSent(err)
	case a.status < 400:
		// Nothing promises a redirect, and the access key must not follow one.
		failed.cause = invalidResponse("unexpected status")
	default:
		failed.readProblem(a.body)
	}
	failed.ambiguous = op.nonIdempotent && !failed.notSent && transient(failed) && a.status != http.StatusTooManyRequests
	return a, failed
}

// sleep waits, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

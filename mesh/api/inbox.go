package api

// The inbox: which messages are in it, taking them out of it, and waiting for the next.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	// perPage is how many ids the service lists in one answer.
	perPage = 500
	// mostIDs is how many messages an inbox may hold.
	mostIDs = 1_000_000
)

// Inbox returns the ids of the messages in the inbox with a workflow id, or all if that is "". It
// lists all pages before it returns, so that the caller may acknowledge while it goes through them.
func (c *Client) Inbox(ctx context.Context, workflow string) ([]string, error) {
	ids, err := c.inbox(ctx, workflow)
	return ids, at("inbox of", c.config.Mailbox, err)
}

func (c *Client) inbox(ctx context.Context, workflow string) ([]string, error) {
	query := url.Values{"max_results": {fmt.Sprint(perPage)}}
	if workflow != "" {
		if !messageID.MatchString(workflow) {
			return nil, fmt.Errorf("the workflow id may have letters, digits, - and _ only")
		}
		query.Set("workflow_filter", workflow)
	}
	var ids []string
	listed := map[string]bool{}
	for asked := map[string]bool{}; ; {
		page, next, err := c.page(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, id := range page {
			if !listed[id] {
				listed[id] = true
				ids = append(ids, id)
			}
		}
		from := next.Get("continue_from")
		switch {
		case from == "":
			return ids, nil
		case asked[from]:
			return nil, fmt.Errorf("%w: the pages of the inbox have no end", ErrAnswer)
		case len(ids) > mostIDs:
			return nil, fmt.Errorf("%w: the inbox has more than %d messages", ErrAnswer, mostIDs)
		}
		asked[from] = true
		query.Set("continue_from", from)
	}
}

// page returns one page of ids, and the query of the link to the next. The rest of the link does
// not count: no answer of the service leads to another address.
func (c *Client) page(ctx context.Context, query url.Values) ([]string, url.Values, error) {
	a, err := c.do(ctx, call{
		method: http.MethodGet, path: "/inbox?" + query.Encode(), most: mostJSON,
	})
	if err != nil {
		return nil, nil, err
	}
	var said struct {
		Messages []string
		Links    struct{ Next string }
	}
	if err := json.Unmarshal(a.body, &said); err != nil {
		return nil, nil, fmt.Errorf("%w: the inbox is no JSON as expected", ErrAnswer)
	}
	for _, id := range said.Messages {
		if !messageID.MatchString(id) {
			return nil, nil, fmt.Errorf("%w: the inbox has something that is no id", ErrAnswer)
		}
	}
	next, err := url.Parse(said.Links.Next)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the link to the next page", ErrAnswer)
	}
	return said.Messages, next.Query(), nil
}

// Acknowledge takes a message out of the inbox: the service forgets it. Call it only when what was
// read is stored safely. It is no error if the message was acknowledged before.
func (c *Client) Acknowledge(ctx context.Context, id string) error {
	if !messageID.MatchString(id) {
		return fmt.Errorf("%w: a message id", ErrAnswer)
	}
	_, err := c.do(ctx, call{
		method: http.MethodPut, path: "/inbox/" + id + "/status/acknowledged", most: mostJSON,
	})
	if errors.Is(err, ErrGone) {
		return nil
	}
	return at("message", id, err)
}

// Wait calls look at once, and then as often as the inbox may be asked for, until look returns
// true or an error. It returns ErrTimeUp when the next look would be more than most after the
// first: with a most of 0, after one look.
func (c *Client) Wait(
	ctx context.Context,
	most time.Duration,
	look func(context.Context) (bool, error),
) error {
	for started := c.now(); ; {
		if found, err := look(ctx); found || err != nil {
			return err
		}
		if c.now().Add(c.config.Poll).Sub(started) > most {
			return ErrTimeUp
		}
		if c.config.Waiting != nil {
			c.config.Waiting("no answer yet", c.config.Poll)
		}
		if err := c.sleep(ctx, c.config.Poll); err != nil {
			return err
		}
	}
}

package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// Keys lists the API keys of an account, "" for all that the caller looks after.
func (c Client) Keys(ctx context.Context, account string) (reply KeyList, err error) {
	query := ""
	if account != "" {
		query = "?account=" + url.QueryEscape(account)
	}
	err = c.ask(ctx, "list API keys", "/keys"+query, &reply)
	return reply, err
}

// CreateKey makes an API key, which is in the reply and nowhere after that.
func (c Client) CreateKey(ctx context.Context, order KeyOrder) (reply NewKey, err error) {
	err = c.tell(ctx, "create an API key", "/keys", order, &reply)
	return reply, err
}

// RevokeKey ends an API key: no call with it is served any more.
func (c Client) RevokeKey(ctx context.Context, id string) (reply Revoked, err error) {
	if err = c.call(ctx, http.MethodDelete, "/keys/"+url.PathEscape(id), nil, &reply); err != nil {
		err = fmt.Errorf("revoke key %s: %w", id, err)
	}
	return reply, err
}

package jobs

import (
	"context"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// LabelStatistics are counts of labels, by the type of the labels.
type LabelStatistics map[LabelType]TypeStatistics

// What is counted of the labels of one type, as openapi.yaml describes it.
type (
	// TypeStatistics count the labels of one type.
	TypeStatistics = gen.LabelStatistics
	// CategoryStatistics count the labels of one category.
	CategoryStatistics = gen.CategoryStatistics
	// AttributeStatistics count the values of one attribute, or, for an
	// attribute of numbers, give their range.
	AttributeStatistics = gen.AttributeStatistics
)

// LabelStatistics counts the labels by type, category and attribute. Only
// attributes of a closed set of values, such as booleans and enums, are
// counted.
func (c *Contents) LabelStatistics(ctx context.Context) (LabelStatistics, error) {
	var body gen.LabelStatisticsAnswer
	err := c.client.call(ctx, opGetLabelStatistics,
		func() (*http.Request, error) {
			return gen.NewGetLabelStatisticsRequest(c.client.server, c.id, &gen.GetLabelStatisticsParams{
				Commit: optional(c.commit), DraftNumber: optional(c.draft),
			})
		}, into(&body))
	if err != nil {
		return nil, err
	}
	statistics := make(LabelStatistics, len(body.LabelStatistics))
	for of, s := range body.LabelStatistics {
		statistics[LabelType(of)] = s
	}
	return statistics, nil
}

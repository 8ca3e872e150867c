//! Order and limits.

use lapjoint_db::Adapter;

use crate::error::Error;
use crate::query::select::Select;

impl Select {
    /// The first `limit` rows after `offset` rows. An order of no terms goes on with the present one, and is that of the primary
    /// key where there is none but a limit.
    pub(super) fn top(
        self,
        limit: Option<u64>,
        offset: u64,
        order: &[String],
        adapter: &dyn Adapter,
    ) -> Result<Self, Error> {
        let has_top = self.is_cut() || !self.order.is_empty();
        if has_top && (order.is_empty() || order == self.order_terms) {
            let mut merged = self;
            merged.limit = match (merged.limit, limit) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            merged.offset += offset;
            return Ok(merged);
        }
        let mut select = if has_top { self.nest(false, adapter) } else { self };
        let by_key = ["KEY".to_owned()];
        let terms = if order.is_empty() && (limit.is_some() || offset > 0) { &by_key } else { order };
        select.order = terms.iter().map(|term| select.order_sql(term, adapter)).collect::<Result<_, _>>()?;
        select.order.retain(|term| !term.is_empty());
        select.order_terms = terms.to_vec();
        select.limit = limit;
        select.offset = offset;
        Ok(select)
    }

    /// An order term: `KEY`, `KEY DESC`, `attribute [ASC|DESC]`, or an SQL expression.
    fn order_sql(&self, term: &str, adapter: &dyn Adapter) -> Result<String, Error> {
        let trimmed = term.trim();
        let (body, direction) = match trimmed.rsplit_once(char::is_whitespace) {
            Some((body, last)) if last.eq_ignore_ascii_case("desc") => (body.trim(), " DESC"),
            Some((body, last)) if last.eq_ignore_ascii_case("asc") => (body.trim(), ""),
            _ => (trimmed, ""),
        };
        if body == "KEY" {
            let key: Vec<_> = self.key().map(|name| format!("{}{direction}", adapter.quote(name))).collect();
            return Ok(key.join(", "));
        }
        let is_name = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            return Ok(format!("{body}{direction}"));
        }
        self.column(body).ok_or_else(|| Error::unknown_attribute(body, "the query", &self.names()))?;
        Ok(format!("{}{direction}", adapter.quote(body)))
    }
}

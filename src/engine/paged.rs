//! The pages of one response, between the end of each page and the verdict on all of them.

use super::document::read::Document;
use super::pages::next::{GOES_ON, goes_on};
use super::pages::{Next, PageAsked, Pages};
use super::released::Refusal;
use super::shapes::meant::Route;
use super::shapes::written::Body as Form;
use super::{Redactor, route_of};
use std::sync::Arc;

impl Redactor {
    /// Asks for one page, of a route that pages. Without this a body is judged as all there is,
    /// nothing is cut by size and no further page is told.
    #[must_use]
    pub fn page(mut self, asked: PageAsked) -> Redactor {
        if self.plan.page.is_some() {
            self.pages = Some(Pages::new(asked));
        }
        self
    }

    /// A body has ended as its framing says: how the upstream's next page is asked for. `None`
    /// if there is none, and for bodies that are no pages; then all is there.
    pub fn page_ended(&mut self) -> Result<Option<Next>, Refusal> {
        let Some(mut pages) = self.pages.take().filter(|_| !self.nothing) else {
            self.to_be_all = self.is_to_be_all();
            return Ok(None);
        };
        let body = self.take_body();
        let json = self.parse_page(&body)?;
        let page = Document { json, tape: &self.tape };
        let mut report = std::mem::take(&mut self.report);
        let next = match self.route() {
            Some((shape, Route { paging: Some(paging), .. })) => {
                pages.take((shape, paging), page, &mut report)
            }
            _ => Err(Refusal::NotFound),
        };
        self.report = report;
        let next = next?;
        if next.is_none() {
            (self.held, self.parsed) = match pages.body() {
                Some(all) => (all, false),
                None => (body, true),
            };
        }
        self.pages = Some(pages);
        Ok(next)
    }

    fn parse_page<'b>(&mut self, body: &'b [u8]) -> Result<&'b str, Refusal> {
        let policy = Arc::clone(&self.policy);
        let (shape, _) = route_of(&policy, &self.plan).ok_or(Refusal::NotFound)?;
        self.parse(body, 0, &mut shape.memories.lend())
    }

    /// Whether it is a Bundle of a route that does not page: such a one must be all there is, which
    /// is seen when it is parsed to be judged.
    fn is_to_be_all(&self) -> bool {
        self.route().is_some_and(|(shape, route)| {
            let form = matches!(route.body, Form::Search | Form::Bundle);
            shape.fhir && form && route.paging.is_none() && !self.nothing && !self.plan.stream
        })
    }

    /// Refuses a body that was to be all there is and says that there is more.
    pub(super) fn is_all(&self, body: Document<'_>) -> Result<(), Refusal> {
        if self.to_be_all && goes_on(body) { Err(GOES_ON) } else { Ok(()) }
    }
}

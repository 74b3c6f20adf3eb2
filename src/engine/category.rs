//! The fifteen categories of DESIGN section 1 and sets of them.

use std::fmt;

/// What a record or field is about. The names are those of the files users write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Category {
    /// 45 CFR 164.501: a therapist's own notes on a session, kept apart from the record.
    PsychotherapyNotes,
    /// A mental disorder, its care, its drugs, its providers.
    MentalHealth,
    /// A weak sign of mental-health care.
    PossibleMentalHealth,
    /// 42 CFR Part 2 and alike.
    SubstanceUse,
    /// Pregnancy, contraception, abortion, fertility.
    Reproductive,
    /// Sexually transmitted infections and sexual function.
    SexualHealth,
    /// HIV.
    Hiv,
    /// Gender-affirming care.
    GenderAffirming,
    /// Genetic tests and findings.
    Genetic,
    /// Abuse, neglect and violence.
    Abuse,
    /// Intellectual and developmental disorders.
    Developmental,
    /// Prose that no list can judge.
    FreeText,
    /// Addresses, telephones, e-mail.
    Contact,
    /// Running totals: deductible used, counters.
    Aggregate,
    /// What could not be judged.
    Unclassified,
}

impl Category {
    /// Every category, in declaration order.
    pub const ALL: [Category; 15] = [
        Category::PsychotherapyNotes,
        Category::MentalHealth,
        Category::PossibleMentalHealth,
        Category::SubstanceUse,
        Category::Reproductive,
        Category::SexualHealth,
        Category::Hiv,
        Category::GenderAffirming,
        Category::Genetic,
        Category::Abuse,
        Category::Developmental,
        Category::FreeText,
        Category::Contact,
        Category::Aggregate,
        Category::Unclassified,
    ];

    /// The name users write, e.g. `mental-health`.
    pub fn name(self) -> &'static str {
        match self {
            Category::PsychotherapyNotes => "psychotherapy-notes",
            Category::MentalHealth => "mental-health",
            Category::PossibleMentalHealth => "possible-mental-health",
            Category::SubstanceUse => "substance-use",
            Category::Reproductive => "reproductive",
            Category::SexualHealth => "sexual-health",
            Category::Hiv => "hiv",
            Category::GenderAffirming => "gender-affirming",
            Category::Genetic => "genetic",
            Category::Abuse => "abuse",
            Category::Developmental => "developmental",
            Category::FreeText => "free-text",
            Category::Contact => "contact",
            Category::Aggregate => "aggregate",
            Category::Unclassified => "unclassified",
        }
    }

    /// The category of that name; `any` is no category and gives `None`.
    pub fn named(name: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|category| category.name() == name)
    }
}

/// A set of categories.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Categories(u16);

impl Categories {
    /// No category.
    pub const NONE: Categories = Categories(0);

    /// The set of one.
    pub const fn of(category: Category) -> Categories {
        #[expect(clippy::as_conversions, reason = "a fieldless enum of fifteen fits in a shift")]
        Categories(1 << category as u16)
    }

    /// Adds one.
    pub fn insert(&mut self, category: Category) {
        self.0 |= Categories::of(category).0;
    }

    /// Whether it is in the set.
    pub const fn contains(self, category: Category) -> bool {
        self.0 & Categories::of(category).0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Categories) -> Categories {
        Categories(self.0 | other.0)
    }

    /// What is here and not in `other`.
    #[must_use]
    pub const fn minus(self, other: Categories) -> Categories {
        Categories(self.0 & !other.0)
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(move |category| self.contains(*category))
    }
}

impl FromIterator<Category> for Categories {
    fn from_iter<I: IntoIterator<Item = Category>>(categories: I) -> Categories {
        let mut set = Categories::NONE;
        for category in categories {
            set.insert(category);
        }
        set
    }
}

impl fmt::Debug for Categories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Category::name)).finish()
    }
}

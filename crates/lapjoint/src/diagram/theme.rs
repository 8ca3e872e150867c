//! Colours of drawn diagrams: those of DataJoint, so that a diagram reads the same from either.

use lapjoint_types::naming::Tier;

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table of a tier.
    Table(Tier),
    /// Tables that are collapsed into one node.
    Collapsed,
}

impl Kind {
    /// Name of the kind, as classes of a style sheet have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table(Tier::Manual) => "manual",
            Self::Table(Tier::Lookup) => "lookup",
            Self::Table(Tier::Imported) => "imported",
            Self::Table(Tier::Computed) => "computed",
            Self::Table(Tier::Part) => "part",
            Self::Table(_) => "other",
            Self::Collapsed => "collapsed",
        }
    }

    /// Whether rows of the table are filled by the program.
    pub const fn is_filled(self) -> bool {
        matches!(self, Self::Table(Tier::Imported | Tier::Computed))
    }

    /// The kinds that have colours of their own.
    pub const COLORED: [Self; 6] = [
        Self::Table(Tier::Manual),
        Self::Table(Tier::Lookup),
        Self::Table(Tier::Computed),
        Self::Table(Tier::Imported),
        Self::Table(Tier::Part),
        Self::Collapsed,
    ];
}

/// Colours of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colors {
    /// Inside.
    pub fill: &'static str,
    /// Outline.
    pub stroke: &'static str,
    /// Text.
    pub text: &'static str,
}

const fn colors(fill: &'static str, stroke: &'static str, text: &'static str) -> Colors {
    Colors { fill, stroke, text }
}

/// Colours of nodes by tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Manual tables.
    pub manual: Colors,
    /// Lookup tables.
    pub lookup: Colors,
    /// Imported tables.
    pub imported: Colors,
    /// Computed tables.
    pub computed: Colors,
    /// Parts.
    pub part: Colors,
    /// Tables of no tier.
    pub other: Colors,
    /// Collapsed tables.
    pub collapsed: Colors,
}

impl Palette {
    pub(crate) const fn of(&self, kind: Kind) -> Colors {
        match kind {
            Kind::Table(Tier::Manual) => self.manual,
            Kind::Table(Tier::Lookup) => self.lookup,
            Kind::Table(Tier::Imported) => self.imported,
            Kind::Table(Tier::Computed) => self.computed,
            Kind::Table(Tier::Part) => self.part,
            Kind::Table(_) => self.other,
            Kind::Collapsed => self.collapsed,
        }
    }
}

/// Colours of a diagram.
///
/// ```
/// use lapjoint::Theme;
/// assert_eq!(Theme::LIGHT.palette.manual.fill, "#E8F0E9");
/// assert!(Theme::LIGHT.background.is_none() && Theme::DARK.background.is_some());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Behind all; `None` leaves it to the page.
    pub background: Option<&'static str>,
    /// Nodes.
    pub palette: Palette,
    /// References.
    pub edge: &'static str,
    /// References whose attributes have other names.
    pub edge_renamed: &'static str,
    /// How opaque references are: two hexadecimal digits.
    pub edge_alpha: &'static str,
    /// Outline of a schema.
    pub schema_line: &'static str,
    /// Name of a schema.
    pub schema_text: &'static str,
    /// Behind a master with its parts.
    pub entity_fill: &'static str,
}

impl Theme {
    /// Dark on light.
    pub const LIGHT: Self = Self {
        background: None,
        palette: Palette {
            manual: colors("#E8F0E9", "#3E7A52", "#28513A"),
            lookup: colors("#F0F0F1", "#808285", "#5A5C5F"),
            imported: colors("#E0F4FC", "#00A0DF", "#00537A"),
            computed: colors("#FFEDE5", "#FF5113", "#B23200"),
            part: colors("#FFFFFF", "#B9BBBE", "#55585C"),
            other: colors("#FFFDE7", "#C9BC5B", "#6B6420"),
            collapsed: colors("#EDEEF0", "#808890", "#404040"),
        },
        edge: "#171C39",
        edge_renamed: "#C77D3A",
        edge_alpha: "9E",
        schema_line: "#171D3A",
        schema_text: "#171C39",
        entity_fill: "#F3F5F8",
    };

    /// Light on dark.
    pub const DARK: Self = Self {
        background: Some("#161A21"),
        palette: Palette {
            manual: colors("#16281F", "#6BBF94", "#BCE6CF"),
            lookup: colors("#242832", "#9DA0A4", "#C9CFD9"),
            imported: colors("#0F2433", "#33B8E8", "#BEE7F9"),
            computed: colors("#331B12", "#FF7A47", "#FFC7AE"),
            part: colors("#1E232C", "#8F959D", "#C8CED8"),
            other: colors("#3A3620", "#C9BC5B", "#EBE3A0"),
            collapsed: colors("#242730", "#8890A0", "#C7CDD6"),
        },
        edge: "#AEB6C2",
        edge_renamed: "#D68C4A",
        edge_alpha: "C0",
        schema_line: "#606875",
        schema_text: "#8A93A1",
        entity_fill: "#2A313D",
    };

    pub(crate) const fn edge_color(&self, is_renamed: bool) -> &'static str {
        if is_renamed { self.edge_renamed } else { self.edge }
    }
}

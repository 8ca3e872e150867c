-- Statements that DataJoint 2.3.5 sends for the tables of a definition; {} is the schema. One a paragraph.

CREATE TABLE IF NOT EXISTS `{}`.`parent` (
`pid` int NOT NULL COMMENT ":int32:the id it's",
`u` binary(16) NOT NULL COMMENT ":uuid:",
`name` varchar(30) NOT NULL DEFAULT 'x' COMMENT ":varchar(30):a name",
PRIMARY KEY (`pid`, `u`)
) ENGINE=InnoDB, COMMENT "a parent it's"

CREATE TABLE IF NOT EXISTS `{}`.`~lineage` (
`table_name` VARCHAR(64) NOT NULL COMMENT "table name within the schema",
`attribute_name` VARCHAR(64) NOT NULL COMMENT "attribute name",
`lineage` VARCHAR(255) NOT NULL COMMENT "origin: schema.table.attribute",
PRIMARY KEY (`table_name`, `attribute_name`)
) ENGINE=InnoDB

CREATE TABLE IF NOT EXISTS `{}`.`auto` (
`id` int auto_increment NOT NULL,
`flag` tinyint NOT NULL DEFAULT '1' COMMENT ":bool:",
`n` double DEFAULT NULL COMMENT ":float64:",
`t` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT ":datetime:",
`t3` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) COMMENT ":datetime(3):",
`kind` enum('a','b') NOT NULL DEFAULT 'a' COMMENT ":enum('a','b'):kind",
`e2` enum('x','y z') NOT NULL COMMENT ":enum('x','y z'):",
`d` decimal(8,2) NOT NULL COMMENT ":decimal(8,2):",
`blo` longblob NOT NULL COMMENT ":<blob>:",
`ext` json NOT NULL COMMENT ":<blob@cold>:",
`doc` json DEFAULT NULL COMMENT ":json:",
`raw` longblob NOT NULL COMMENT ":bytes:",
`nat` mediumint unsigned NOT NULL COMMENT "native",
`ts` timestamp DEFAULT NULL,
`c` char(4) NOT NULL DEFAULT 'it''s' COMMENT ":char(4):",
PRIMARY KEY (`id`)
) ENGINE=InnoDB

CREATE TABLE IF NOT EXISTS `{}`.`child` (
`pid` int NOT NULL COMMENT "the id it's",
`u` binary(16) NOT NULL COMMENT ":uuid:",
`k` smallint NOT NULL COMMENT ":int16:",
`id` int,
`other` int NOT NULL COMMENT "the id it's",
`ou` binary(16) NOT NULL COMMENT ":uuid:",
`x` float NOT NULL COMMENT ":float32:",
`y` varchar(20) NOT NULL COMMENT ":varchar(20):",
PRIMARY KEY (`pid`, `u`, `k`),
FOREIGN KEY (`pid`, `u`) REFERENCES `{}`.`parent` (`pid`, `u`) ON UPDATE CASCADE ON DELETE RESTRICT,
FOREIGN KEY (`id`) REFERENCES `{}`.`auto` (`id`) ON UPDATE CASCADE ON DELETE RESTRICT,
FOREIGN KEY (`other`, `ou`) REFERENCES `{}`.`parent` (`pid`, `u`) ON UPDATE CASCADE ON DELETE RESTRICT,
UNIQUE INDEX (`other`, `ou`),
index (`x`,`y`),
unique index (`y`)
) ENGINE=InnoDB

CREATE TABLE IF NOT EXISTS `{}`.`_grandchild` (
`pid` int NOT NULL COMMENT "the id it's",
`u` binary(16) NOT NULL COMMENT ":uuid:",
`k` smallint NOT NULL,
`_singleton` tinyint NOT NULL DEFAULT '1' COMMENT ":bool:singleton primary key",
PRIMARY KEY (`pid`, `u`, `k`),
FOREIGN KEY (`pid`, `u`, `k`) REFERENCES `{}`.`child` (`pid`, `u`, `k`) ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB, COMMENT "of a child"

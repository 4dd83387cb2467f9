"""Documents that are read and acknowledged."""

import sqlalchemy as sa
from alembic import op
from plugin.core.base import UTCDateTime
revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('document',
    sa.Column('id', ID, nullable=False),
    sa.Column('organization_id', ID, nullable=False),
    sa.Column('module_version_id', ID, nullable=False),
    sa.Column('filename', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('changes', sa.Text(), nullable=False),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.Column('created_by', ID, nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['person.id'], name=op.f('fk_document_created_by_person')),
    sa.ForeignKeyConstraint(['module_version_id'], ['module_version.id'], name=op.f('fk_document_module_version_id_module_version')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_document_organization_id_organization')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document')),
    sa.UniqueConstraint('module_version_id', name=op.f('uq_document_module_version_id'))
    )
    op.create_table('document_opening',
    sa.Column('run_id', ID, nullable=False),
    sa.Column('document_id', ID, nullable=False),
    sa.Column('organization_id', ID, nullable=False),
    sa.Column('opened_at', UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_document_opening_document_id_document')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_document_opening_organization_id_organization')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_document_opening_run_id_run')),
    sa.PrimaryKeyConstraint('run_id', 'document_id', name=op.f('pk_document_opening'))
    )


def downgrade() -> None:
    op.drop_table('document_opening')
    op.drop_table('document')
